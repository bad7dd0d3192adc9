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
  /// Target pixel `x` looks at `(x + ½)·(width / target width) − ½`, edges repeated.
  package func resized(height targetHeight: Int, width targetWidth: Int) -> Image {
    precondition(targetHeight > 0 && targetWidth > 0, "resizing to \(targetHeight)×\(targetWidth)")
    if targetHeight == height && targetWidth == width { return self }
    let columns = (0..<targetWidth).map { BilinearTap($0, of: targetWidth, source: width) }
    let rows = (0..<targetHeight).map { BilinearTap($0, of: targetHeight, source: height) }
    let across = columnsBlended(columns)
    let rowSize = targetWidth * channels
    let result = [UInt8](unsafeUninitializedCapacity: targetHeight * rowSize) { into, count in
      for (y, tap) in rows.enumerated() {
        for x in 0..<rowSize {
          let above = ((across[tap.first * rowSize + x] >> 4) * tap.firstWeight) >> 16
          let below = ((across[tap.second * rowSize + x] >> 4) * tap.secondWeight) >> 16
          into.initializeElement(
            at: y * rowSize + x, to: UInt8(clamping: (above + below + 2) >> 2))
        }
      }
      count = targetHeight * rowSize
    }
    return Image(height: targetHeight, width: targetWidth, channels: channels, pixels: result)
  }

  /// Every row blended to the target columns, scaled by 2048.
  private func columnsBlended(_ columns: [BilinearTap]) -> [Int32] {
    let count = height * columns.count * channels
    return [Int32](unsafeUninitializedCapacity: count) { into, initialized in
      var next = 0
      for row in 0..<height {
        for tap in columns {
          for channel in 0..<channels {
            let first = Int32(pixels[(row * width + tap.first) * channels + channel])
            let second = Int32(pixels[(row * width + tap.second) * channels + channel])
            into.initializeElement(
              at: next, to: first * tap.firstWeight + second * tap.secondWeight)
            next += 1
          }
        }
      }
      initialized = count
    }
  }
}

/// The two source lines that a target line is blended from; weights sum to 2048.
private struct BilinearTap {
  let first: Int
  let second: Int
  let firstWeight: Int32
  let secondWeight: Int32

  init(_ index: Int, of targetCount: Int, source count: Int) {
    let scale = Double(count) / Double(targetCount)
    let position = Float((Double(index) + 0.5) * scale - 0.5)
    let floor = position.rounded(.down)
    let inside = floor >= 0 && Int(floor) < count - 1
    first = min(max(Int(floor), 0), count - 1)
    second = inside ? first + 1 : first
    let fraction = inside ? position - floor : 0
    firstWeight = Int32(((1 - fraction) * 2048).rounded(.toNearestOrEven))
    secondWeight = Int32((fraction * 2048).rounded(.toNearestOrEven))
  }
}
