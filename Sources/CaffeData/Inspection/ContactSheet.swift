import CaffeErrors

/// Pictures of one size side by side, so that people see what a net sees.
package enum ContactSheet {
  /// Dark blue: neither a gray nor a usual edge of a picture.
  private static let background: [UInt8] = [96, 32, 0]

  /// A colour picture of `count` tiles in rows of `columns`.
  ///
  /// Values are stretched so that the least becomes black and the largest white, in all tiles alike.
  /// Of one or two channels the first is shown in gray, of more the first three as blue, green, red.
  ///
  /// - Parameters:
  ///   - values: `[count, channels, height, width]`.
  ///   - gap: pixels around each picture.
  package static func make(
    _ values: [Float], count: Int, _ extents: DataTransformer.Extents, columns: Int, gap: Int = 2
  ) throws -> Image {
    precondition(values.count == count * extents.count, "\(values.count) values for \(count) tiles")
    precondition(count > 0 && columns > 0, "\(count) tiles in \(columns) columns")
    let rows = (count + columns - 1) / columns
    let height = rows * (extents.height + gap) + gap
    let width = min(columns, count) * (extents.width + gap) + gap
    try ImageDecoder.checkSize(width: width, height: height)
    var pixels = (0..<height * width).flatMap { _ in background }
    let stretch = Stretch(values)
    for tile in 0..<count {
      let top = gap + tile / columns * (extents.height + gap)
      let left = gap + tile % columns * (extents.width + gap)
      for row in 0..<extents.height {
        for column in 0..<extents.width {
          for color in 0..<3 {
            let channel = extents.channels < 3 ? 0 : color
            let plane = (tile * extents.channels + channel) * extents.height + row
            pixels[((top + row) * width + left + column) * 3 + color] =
              stretch(values[plane * extents.width + column])
          }
        }
      }
    }
    return Image(height: height, width: width, channels: 3, pixels: pixels)
  }
}

/// Maps the range of some values to 0…255; values that are no numbers to 0.
private struct Stretch {
  private let least: Float
  private let factor: Float

  init(_ values: [Float]) {
    let finite = values.lazy.filter(\.isFinite)
    least = finite.min() ?? 0
    let span = (finite.max() ?? 0) - least
    factor = span > 0 ? 255 / span : 0
  }

  func callAsFunction(_ value: Float) -> UInt8 {
    guard value.isFinite else { return 0 }
    return UInt8(max(0, min(255, ((value - least) * factor).rounded())))
  }
}
