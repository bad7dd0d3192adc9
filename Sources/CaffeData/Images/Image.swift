import CaffeErrors

/// A decoded picture: interleaved 8-bit channels, rows from the top; one channel is gray, three are
/// blue, green, red, the order Caffe has from OpenCV.
package struct Image: Equatable, Sendable {
  package let height: Int
  package let width: Int
  package let channels: Int
  /// `height × width × channels` bytes.
  package private(set) var pixels: [UInt8]

  package init(height: Int, width: Int, channels: Int, pixels: [UInt8]) {
    precondition(
      pixels.count == height * width * channels,
      "\(pixels.count) bytes for \(height)×\(width)×\(channels)")
    self.height = height
    self.width = width
    self.channels = channels
    self.pixels = pixels
  }

  /// Scales to `height × width` by bilinear interpolation, with OpenCV's weights of 11 bits and its
  /// rounding, so that pixels agree with what Caffe saw.
  ///
  /// Target pixel `x` looks at `(x + ½)·(width / target width) − ½`, edges repeated. Above the first
  /// row and below the last OpenCV blends the row with itself, which loses a bit; left and right it
  /// takes the edge as it is.
  package func resized(height targetHeight: Int, width targetWidth: Int) -> Image {
    precondition(targetHeight > 0 && targetWidth > 0, "resizing to \(targetHeight)×\(targetWidth)")
    if targetHeight == height && targetWidth == width { return self }
    let columns = (0..<targetWidth).map { BilinearTap(column: $0, of: targetWidth, source: width) }
    let rows = (0..<targetHeight).map { BilinearTap(row: $0, of: targetHeight, source: height) }
    let rowSize = targetWidth * channels
    let result = columnsBlended(columns).withUnsafeBufferPointer { across in
      [UInt8](unsafeUninitializedCapacity: targetHeight * rowSize) { into, count in
        for (y, tap) in rows.enumerated() {
          tap.blendRows(
            UnsafeBufferPointer(rebasing: across[tap.first * rowSize..<(tap.first + 1) * rowSize]),
            UnsafeBufferPointer(
              rebasing: across[tap.second * rowSize..<(tap.second + 1) * rowSize]),
            into: UnsafeMutableBufferPointer(rebasing: into[y * rowSize..<(y + 1) * rowSize]))
        }
        count = targetHeight * rowSize
      }
    }
    return Image(height: targetHeight, width: targetWidth, channels: channels, pixels: result)
  }

  /// Every row blended to the target columns, scaled by 2048.
  private func columnsBlended(_ columns: [BilinearTap]) -> [Int32] {
    let rowSize = columns.count * channels
    return [Int32](unsafeUninitializedCapacity: height * rowSize) { into, count in
      pixels.withUnsafeBufferPointer { pixels in
        for row in 0..<height {
          BilinearTap.blendColumns(
            columns,
            UnsafeBufferPointer(
              rebasing: pixels[row * width * channels..<(row + 1) * width * channels]),
            channels: channels,
            into: UnsafeMutableBufferPointer(rebasing: into[row * rowSize..<(row + 1) * rowSize]))
        }
      }
      count = height * rowSize
    }
  }
}

/// The two source lines that a target line is blended from; weights sum to 2048.
private struct BilinearTap {
  let first: Int
  let second: Int
  let firstWeight: Int32
  let secondWeight: Int32

  init(row: Int, of targetCount: Int, source count: Int) {
    let (floor, fraction) = BilinearTap.position(row, of: targetCount, source: count)
    self.init(
      first: min(max(floor, 0), count - 1), second: min(max(floor + 1, 0), count - 1),
      fraction: fraction)
  }

  init(column: Int, of targetCount: Int, source count: Int) {
    let (floor, fraction) = BilinearTap.position(column, of: targetCount, source: count)
    let first = min(max(floor, 0), count - 1)
    let inside = floor >= 0 && floor < count - 1
    self.init(first: first, second: inside ? first + 1 : first, fraction: inside ? fraction : 0)
  }

  private init(first: Int, second: Int, fraction: Float) {
    self.first = first
    self.second = second
    firstWeight = Int32(((1 - fraction) * 2048).rounded(.toNearestOrEven))
    secondWeight = Int32((fraction * 2048).rounded(.toNearestOrEven))
  }

  /// Where a target line looks: a source line, and how far beyond it.
  private static func position(
    _ index: Int, of targetCount: Int, source count: Int
  ) -> (floor: Int, fraction: Float) {
    let scale = Double(count) / Double(targetCount)
    let position = Float((Double(index) + 0.5) * scale - 0.5)
    let floor = position.rounded(.down)
    return (Int(floor), position - floor)
  }

  // The sums below stay within 2048 · 255, products of a 16th of that and a weight within 2²⁷: what
  // wraps on overflow does not overflow, and is several times as fast.

  /// Blends the pixels of a row at each of `taps`, scaled by 2048.
  static func blendColumns(
    _ taps: [BilinearTap], _ row: UnsafeBufferPointer<UInt8>, channels: Int,
    into line: UnsafeMutableBufferPointer<Int32>
  ) {
    guard let row = row.baseAddress, let line = line.baseAddress else { return }
    var target = line
    for tap in taps {
      let (first, second) = (row + tap.first &* channels, row + tap.second &* channels)
      for channel in 0..<channels {
        (target + channel).initialize(
          to: Int32(first[channel]) &* tap.firstWeight &+ Int32(second[channel])
            &* tap.secondWeight)
      }
      target += channels
    }
  }

  /// Blends two rows that are scaled by 2048, and scales back.
  func blendRows(
    _ above: UnsafeBufferPointer<Int32>, _ below: UnsafeBufferPointer<Int32>,
    into line: UnsafeMutableBufferPointer<UInt8>
  ) {
    guard let above = above.baseAddress, let below = below.baseAddress,
      let target = line.baseAddress
    else { return }
    for x in 0..<line.count {
      let upper = ((above[x] &>> 4) &* firstWeight) &>> 16
      let lower = ((below[x] &>> 4) &* secondWeight) &>> 16
      let value = (upper &+ lower &+ 2) &>> 2
      (target + x).initialize(to: UInt8(truncatingIfNeeded: max(0, min(255, value))))
    }
  }
}
