extension Image {
  /// The channels wanted, as decoders make them: gray repeated for colour, colour weighed for gray.
  func converted(to colors: ImageDecoder.Colors) -> Image {
    switch (colors, channels) {
    case (.gray, 3): withPixels(channels: 1, Self.gray(fromBGR: pixels))
    case (.color, 1): withPixels(channels: 3, pixels.flatMap { [$0, $0, $0] })
    default: self
    }
  }

  /// The number of channels wanted, 1 or 3, as OpenCV's `cvtColor` makes them: its weights for gray have
  /// a bit more than those of its decoders.
  func converted(channels wanted: Int) -> Image {
    guard wanted == 1, channels == 3 else { return converted(to: wanted == 1 ? .gray : .color) }
    return withPixels(
      channels: 1, Self.gray(fromBGR: pixels, weights: (3735, 19235, 9798), bits: 15))
  }

  private func withPixels(channels: Int, _ pixels: [UInt8]) -> Image {
    Image(height: height, width: width, channels: channels, pixels: pixels)
  }

  /// Brightness of each interleaved pixel, in the 14-bit weights of OpenCV's decoders.
  static func gray(fromBGR pixels: [UInt8]) -> [UInt8] {
    gray(fromBGR: pixels, weights: (1868, 9617, 4899), bits: 14)
  }

  private static func gray(
    fromBGR pixels: [UInt8], weights: (blue: Int, green: Int, red: Int), bits: Int
  ) -> [UInt8] {
    (0..<pixels.count / 3).map { index in
      let blue = Int(pixels[3 * index]) * weights.blue
      let green = Int(pixels[3 * index + 1]) * weights.green
      let red = Int(pixels[3 * index + 2]) * weights.red
      return UInt8((blue + green + red + 1 << (bits - 1)) >> bits)
    }
  }
}
