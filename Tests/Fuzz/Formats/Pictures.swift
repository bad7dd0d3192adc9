import CaffeData
import CaffeTestSupport

extension FileFormat {
  /// Pictures; the bytes decide what they are, so each of these may become another.
  static let pictures = [
    picture(
      "jpeg",
      try files(
        "Tests/Fixtures/color.jpg", "Tests/Fixtures/gray.jpg", "Tests/Fixtures/cmyk.jpg")),
    picture(
      "png",
      try files(
        "Tests/Fixtures/rgb.png", "Tests/Fixtures/palette.png", "Tests/Fixtures/gray16.png",
        "Tests/Fixtures/bits.png", "Tests/Fixtures/gray-alpha.png")),
    picture("bmp", [24, 16, 8, 1].map(bitmap)),
    picture(
      "pnm",
      [
        "P1 3 2 1 0 1 011", "P2 # text\n3 2\n9\n0 1 2 3 4 9\n", "P3 1 1 255 1 2 3\n",
        "P4 9 2\n\u{0}@ @", "P5 3 2 4\nabcdef", "P5 1 1 256\nab", "P6 2 1 255\nabcdef",
      ].map { Array($0.utf8) }),
  ]

  private static func picture(
    _ name: String, _ seeds: @autoclosure @escaping @Sendable () throws -> [[UInt8]]
  ) -> FileFormat {
    FileFormat(name, seeds: try seeds()) { bytes in
      let image = try ImageDecoder.decode(bytes, .native)
      _ = image.resized(height: 3, width: 5)
      _ = try ImageDecoder.decode(bytes, .gray)
      _ = try ImageDecoder.decode(bytes, .color)
    }
  }

  /// A bitmap of 3 × 2, with a palette of two colours if the bits are few.
  private static func bitmap(bits: Int) -> [UInt8] {
    let colors: [UInt8] = bits <= 8 ? [1, 2, 3, 0, 255, 255, 255, 0] : []
    let row = (3 * bits + 31) / 32 * 4
    return Array("BM".utf8) + [0, 0, 0, 0, 0, 0, 0, 0, UInt8(54 + colors.count), 0, 0, 0]
      + [40, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, UInt8(bits), 0]
      + [UInt8](repeating: 0, count: 16) + [UInt8(colors.count / 4), 0, 0, 0, 0, 0, 0, 0]
      + colors + (0..<2 * row).map { UInt8($0 % 2) }
  }
}
