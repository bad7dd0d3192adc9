import CaffeData
import CaffeErrors
import Testing

/// A bitmap of 2 rows of 3 pixels, put together by hand.
struct SmallBitmap: CustomTestStringConvertible {
  var testDescription: String
  var bits = 24
  var width: UInt32 = 3
  var height: Int32 = 2
  var compression: UInt32 = 0
  /// Blue, green and red of each entry.
  var palette: [[UInt8]] = []
  /// What stands between header and pixels.
  var masks: [UInt8] = []
  /// As in the file: filled up to four bytes.
  var rows: [[UInt8]]

  var bytes: [UInt8] {
    func word(_ number: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
    let offset = UInt32(54 + masks.count + 4 * palette.count)
    return Array("BM".utf8) + word(UInt64(0)) + word(offset)
      + word(UInt32(40)) + word(width) + word(height) + word(UInt16(1)) + word(UInt16(bits))
      + word(compression) + [UInt8](repeating: 0, count: 12) + word(UInt32(palette.count))
      + word(UInt32(0)) + masks + palette.flatMap { $0 + [0] } + rows.flatMap { $0 }
  }
}

/// Windows bitmaps and the portable pixmaps of Netpbm. The expected pixels are those that OpenCV
/// 4's `imread` gave for the same bytes.
@Suite struct BitmapTests {
  func decode(_ bytes: [UInt8], _ colors: ImageDecoder.Colors = .native) throws -> Image {
    try bytes.withUnsafeBytes { try ImageDecoder.decode($0, colors) }
  }

  /// Blue, green, red of the upper row, then of the lower.
  static let colors: [UInt8] = [
    0, 0, 255, 0, 255, 0, 255, 0, 0,
    8, 16, 24, 64, 56, 40, 255, 255, 255,
  ]
  static let upper = Array(colors[..<9])
  static let lower = Array(colors[9...])
  static let primaries: [[UInt8]] = [
    [0, 0, 255], [0, 255, 0], [255, 0, 0], [8, 16, 24], [64, 56, 40], [255, 255, 255],
  ]
  static func withFourth(_ row: [UInt8]) -> [UInt8] {
    stride(from: 0, to: row.count, by: 3).flatMap { row[$0..<$0 + 3] + [99] }
  }

  static let colored = [
    SmallBitmap(testDescription: "24 bits", rows: [lower + [0, 0, 0], upper + [0, 0, 0]]),
    SmallBitmap(
      testDescription: "24 bits from the top", height: -2,
      rows: [upper + [0, 0, 0], lower + [0, 0, 0]]),
    SmallBitmap(
      testDescription: "32 bits", bits: 32, rows: [withFourth(lower), withFourth(upper)]),
    SmallBitmap(
      testDescription: "32 bits with masks", bits: 32, compression: 3,
      masks: [0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0],
      rows: [withFourth(lower), withFourth(upper)]),
    SmallBitmap(
      testDescription: "8 bits", bits: 8, palette: primaries, rows: [[3, 4, 5, 0], [0, 1, 2, 0]]),
    SmallBitmap(
      testDescription: "4 bits from the top", bits: 4, height: -2, palette: primaries,
      rows: [[0x01, 0x20, 0, 0], [0x34, 0x50, 0, 0]]),
  ]

  @Test(arguments: colored)
  func readsColors(bitmap: SmallBitmap) throws {
    let wanted = Image(height: 2, width: 3, channels: 3, pixels: Self.colors)
    #expect(try decode(bitmap.bytes) == wanted)
    #expect(try decode(bitmap.bytes, .color) == wanted)
    // (1868 blue + 9617 green + 4899 red + 8192) / 16384
    let gray = try decode(bitmap.bytes, .gray)
    #expect(gray == Image(height: 2, width: 3, channels: 1, pixels: [76, 150, 29, 17, 52, 255]))
  }

  @Test func readsSixteenBits() throws {
    // Red 31, green 31 or 63, blue 31; the bits below are 0.
    let five = SmallBitmap(
      testDescription: "", bits: 16, height: 1, rows: [[0x00, 0x7C, 0xE0, 0x03, 0x1F, 0x00, 0, 0]])
    #expect(try decode(five.bytes).pixels == [0, 0, 248, 0, 248, 0, 248, 0, 0])
    let six = SmallBitmap(
      testDescription: "", bits: 16, height: 1, compression: 3,
      masks: [0x00, 0xF8, 0, 0, 0xE0, 0x07, 0, 0, 0x1F, 0, 0, 0],
      rows: [[0x00, 0xF8, 0xE0, 0x07, 0x1F, 0x00, 0, 0]])
    #expect(try decode(six.bytes).pixels == [0, 0, 248, 0, 252, 0, 248, 0, 0])
  }

  @Test func aPaletteOfGraysMakesAGrayImage() throws {
    let grays = SmallBitmap(
      testDescription: "", bits: 8, palette: [[7, 7, 7], [200, 200, 200]],
      rows: [[1, 1, 0, 0], [0, 1, 5, 0]])
    // Color 5 is not there: black.
    #expect(
      try decode(grays.bytes)
        == Image(height: 2, width: 3, channels: 1, pixels: [7, 200, 0, 200, 200, 7]))
    #expect(try decode(grays.bytes, .color).pixels.prefix(6) == [7, 7, 7, 200, 200, 200])
    let bits = SmallBitmap(
      testDescription: "", bits: 1, palette: [[0, 0, 0], [255, 255, 255]],
      rows: [[0b1010_0000, 0, 0, 0], [0b0110_0000, 0, 0, 0]])
    #expect(try decode(bits.bytes).pixels == [0, 255, 255, 255, 0, 255])
  }

  /// The header of OS/2: 12 bytes, extents of 16 bits, palette entries of three bytes.
  @Test func readsTheOldHeader() throws {
    let bytes: [UInt8] =
      Array("BM".utf8) + [0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 12, 0, 0, 0, 2, 0, 1, 0, 1, 0, 1, 0]
      + [1, 2, 3, 4, 5, 6] + [0b0100_0000, 0, 0, 0]
    #expect(try decode(bytes).pixels == [1, 2, 3, 4, 5, 6])
  }

  @Test(
    arguments: [
      (#"P2 # gray "as text" \#n3 2\#n4\#n0 1 2\#n3 4 9\#n"#, 1, [0, 63, 127, 191, 255, 255]),
      ("P2 2 1 65535 256 65535", 1, [1, 255]),
      ("P3\n2 1\n255\n1 2 3  40 50 60\n", 3, [3, 2, 1, 60, 50, 40]),
      ("P5 3 2 4\nabcdef", 1, Array("abcdef".utf8)),
      ("P5 2 1 256\nabcd", 1, Array("ac".utf8)),
      ("P6\n#\r2 1 255\nabcdef", 3, Array("cbafed".utf8)),
      ("P1 3 2 1 0 1 011", 1, [0, 255, 0, 255, 0, 0]),
      ("P4 9 2\n\u{0}@ @", 1, Array(repeating: 255, count: 8) + [255]),
    ] as [(String, Int, [UInt8])])
  func readsPixmaps(text: String, channels: Int, pixels: [UInt8]) throws {
    let image = try decode(Array(text.utf8))
    #expect(image.channels == channels)
    #expect(Array(image.pixels.prefix(pixels.count)) == pixels)
    #expect(image.pixels.count == image.width * image.height * channels)
    #expect(try decode(Array(text.utf8), .gray).channels == 1)
    #expect(try decode(Array(text.utf8), .color).channels == 3)
  }

  // MARK: Refusals

  @Test(arguments: [
    (
      SmallBitmap(testDescription: "RLE", bits: 8, compression: 1, rows: []),
      "compressed bitmaps are not read (compression 1)"
    ),
    (
      SmallBitmap(testDescription: "2 bits", bits: 2, rows: []),
      "2 bits a pixel are not read, only 1, 4, 8, 16, 24 and 32"
    ),
    (
      SmallBitmap(testDescription: "no width", width: 0, rows: []),
      "the header claims 0×2 pixels; at most 268435456 are read"
    ),
    (
      SmallBitmap(testDescription: "-0", height: .min, rows: []),
      "the header claims 3×2147483648 pixels; at most 268435456 are read"
    ),
    (
      SmallBitmap(testDescription: "forged", width: 16384, height: 16384, rows: []),
      "the file is truncated"
    ),
  ])
  func tellsWhatBitmapsAreNotRead(bitmap: SmallBitmap, words: String) {
    expectError("BMP image: " + words) { _ = try decode(bitmap.bytes) }
  }

  @Test(arguments: [
    ("P2 16384 16384 255 1 2 3", "the file is truncated"),
    ("P5 16384 16384 255 1 2 3", "the file is truncated"),
    ("P1 16384 16384 101", "the file is truncated"),
    ("P6 99999999999999999999 1 255 ", "the header claims 4294967296×1 pixels"),
    ("P5 2 2 65536 ", "the largest value must be in 1..<65536, got 65536"),
    ("P5 2 2 0 ", "the largest value must be in 1..<65536, got 0"),
    ("P5 2 x", "'x' is no digit"),
    ("P2 2 1 9 1x2", "'x' is no digit"),
    ("P3 1 1 ", "the file is truncated"),
  ])
  func tellsWhatPixmapsAreNotRead(text: String, words: String) {
    expectError("PNM image: " + words) { _ = try decode(Array(text.utf8)) }
  }

  @Test(arguments: colored)
  func cutAnywhereABitmapIsRefused(bitmap: SmallBitmap) {
    for length in bitmap.bytes.indices {
      #expect(throws: CaffeError.self, "\(length)") { try decode(Array(bitmap.bytes[..<length])) }
    }
  }
}
