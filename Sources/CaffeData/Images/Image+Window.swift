extension Image {
  /// The pixels in a window.
  func cropped(rows: Range<Int>, columns: Range<Int>) -> Image {
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= height && columns.lowerBound >= 0
        && columns.upperBound <= width, "window \(rows) × \(columns) of \(height)×\(width)")
    var window: [UInt8] = []
    window.reserveCapacity(rows.count * columns.count * channels)
    for row in rows {
      let line = row * width * channels
      window +=
        pixels[line + columns.lowerBound * channels..<line + columns.upperBound * channels]
    }
    return Image(height: rows.count, width: columns.count, channels: channels, pixels: window)
  }

  /// Left and right exchanged.
  func mirrored() -> Image {
    var result: [UInt8] = []
    result.reserveCapacity(pixels.count)
    for row in 0..<height {
      for column in (0..<width).reversed() {
        let pixel = (row * width + column) * channels
        result += pixels[pixel..<pixel + channels]
      }
    }
    return Image(height: height, width: width, channels: channels, pixels: result)
  }

  /// The pixels channel by channel, each row by row: the order of a Datum.
  func planes() -> [UInt8] {
    guard channels > 1 else { return pixels }
    let area = height * width
    return [UInt8](unsafeUninitializedCapacity: pixels.count) { planes, count in
      for channel in 0..<channels {
        for pixel in 0..<area {
          planes.initializeElement(
            at: channel * area + pixel, to: pixels[pixel * channels + channel])
        }
      }
      count = pixels.count
    }
  }
}
