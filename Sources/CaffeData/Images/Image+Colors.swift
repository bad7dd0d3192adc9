extension Image {
  /// The channels wanted: gray repeated for colour, colour weighed for gray.
  func converted(to colors: ImageDecoder.Colors) -> Image {
    switch (colors, channels) {
    case (.gray, 3): withPixels(channels: 1, Self.gray(fromBGR: pixels))
    case (.color, 1): withPixels(channels: 3, pixels.flatMap { [$0, $0, $0] })
    default: self
    }
  }

  private func withPixels(channels: Int, _ pixels: [UInt8]) -> Image {
    Image(height: height, width: width, channels: channels, pixels: pixels)
  }

  /// Brightness of each interleaved pixel, in OpenCV's 14-bit weights for blue, green and red.
  static func gray(fromBGR pixels: [UInt8]) -> [UInt8] {
    (0..<pixels.count / 3).map { index in
      let blue = Int(pixels[3 * index]) * 1868
      let green = Int(pixels[3 * index + 1]) * 9617
      let red = Int(pixels[3 * index + 2]) * 4899
      return UInt8((blue + green + red + 8192) >> 14)
    }
  }
}
