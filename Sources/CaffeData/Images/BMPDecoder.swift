import CaffeErrors

/// Reads Windows bitmaps: 1, 4 and 8 bits with a palette, 16, 24 and 32 bits, rows from the bottom
/// or from the top, not compressed.
///
/// As OpenCV does: a fourth byte is dropped, a palette of grays alone makes a gray image, an index
/// beyond the palette is black.
///
/// Source: Microsoft's description of BITMAPINFOHEADER and BITMAPCOREHEADER; OpenCV 4.6,
/// `grfmt_bmp.cpp`.
enum BMPDecoder {
  static let signature = Array("BM".utf8)

  static func decode(_ bytes: UnsafeRawBufferPointer) throws -> Image {
    let header = try BMPHeader(bytes)
    let palette = try BMPPalette(bytes, header)
    // Each row begins at a multiple of four bytes.
    let rowBytes = (header.width * header.bitsPerPixel + 31) / 32 * 4
    guard header.pixels <= bytes.count, rowBytes * header.height <= bytes.count - header.pixels
    else { throw CaffeError("the file is truncated") }
    let channels = palette.isGray ? 1 : 3
    var pixels: [UInt8] = []
    pixels.reserveCapacity(header.width * header.height * channels)
    for row in 0..<header.height {
      let stored = header.isTopDown ? row : header.height - 1 - row
      let start = header.pixels + stored * rowBytes
      let line = UnsafeRawBufferPointer(rebasing: bytes[start..<start + rowBytes])
      append(line, header, palette, to: &pixels)
    }
    return Image(height: header.height, width: header.width, channels: channels, pixels: pixels)
  }

  /// Appends the pixels of a row, as gray or as blue, green, red.
  private static func append(
    _ line: UnsafeRawBufferPointer, _ header: BMPHeader, _ palette: BMPPalette,
    to pixels: inout [UInt8]
  ) {
    let bits = header.bitsPerPixel
    switch bits {
    case 24, 32:
      for start in stride(from: 0, to: header.width * bits / 8, by: bits / 8) {
        pixels += line[start..<start + 3]
      }
    case 16:
      for column in 0..<header.width {
        pixels += header.fiveBits(
          UInt16(littleEndian: line.loadUnaligned(fromByteOffset: 2 * column, as: UInt16.self)))
      }
    default:
      for column in 0..<header.width {
        let place = column * bits
        let index = line[place / 8] >> (8 - bits - place % 8) & UInt8(1 << bits - 1)
        let color = palette.colors[Int(index)]
        pixels += palette.isGray ? color.prefix(1) : color[...]
      }
    }
  }
}

/// What the two headers of a bitmap say, checked to be of a kind that is read.
struct BMPHeader {
  let width: Int
  let height: Int
  let isTopDown: Bool
  let bitsPerPixel: Int
  /// How many colours the palette has; 0 says as many as the bits can number.
  let colorCount: Int
  /// Where the palette begins, and how long each of its entries is.
  let palette: Int
  let paletteEntry: Int
  /// Where the rows begin.
  let pixels: Int
  /// Whether 16 bits have six for green, not five.
  private let hasSixGreenBits: Bool

  init(_ bytes: UnsafeRawBufferPointer) throws {
    func number(at offset: Int, bytes count: Int = 4) throws -> Int {
      guard offset + count <= bytes.count else { throw CaffeError("the file is truncated") }
      return bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    pixels = try number(at: 10)
    let size = try number(at: 14)
    let isCore = size == 12
    guard isCore || size >= 36 else {
      throw CaffeError("a header of \(size) bytes is of no known kind of bitmap")
    }
    palette = 14 + size
    paletteEntry = isCore ? 3 : 4
    width = try isCore ? number(at: 18, bytes: 2) : Int(Int32(truncatingIfNeeded: number(at: 18)))
    let signed =
      try isCore
      ? number(at: 20, bytes: 2) : Int(Int32(truncatingIfNeeded: number(at: 22)))
    (height, isTopDown) = (abs(signed), signed < 0)
    bitsPerPixel = try number(at: isCore ? 24 : 28, bytes: 2)
    let compression = isCore ? 0 : try number(at: 30)
    colorCount = isCore ? 0 : try number(at: 46)
    guard [1, 4, 8, 16, 24, 32].contains(bitsPerPixel) else {
      throw CaffeError("\(bitsPerPixel) bits a pixel are not read, only 1, 4, 8, 16, 24 and 32")
    }
    let hasMasks = compression == 3 && (bitsPerPixel == 16 || bitsPerPixel == 32)
    guard compression == 0 || hasMasks else {
      throw CaffeError("compressed bitmaps are not read (compression \(compression))")
    }
    hasSixGreenBits = hasMasks && bitsPerPixel == 16 ? try number(at: 58) == 0x7E0 : false
    try ImageDecoder.checkSize(width: width, height: height)
  }

  /// Blue, green and red of 16 bits; what is missing below is 0.
  func fiveBits(_ pixel: UInt16) -> [UInt8] {
    let (green, red) =
      hasSixGreenBits
      ? (pixel >> 3 & 0xFC, pixel >> 8 & 0xF8) : (pixel >> 2 & 0xF8, pixel >> 7 & 0xF8)
    return [UInt8(pixel << 3 & 0xF8), UInt8(green), UInt8(red)]
  }
}

/// The colours that a bitmap's pixels number.
private struct BMPPalette {
  /// 256 times blue, green, red; black where the file says nothing. Empty for more than 8 bits.
  let colors: [[UInt8]]
  /// Whether there is a palette, and of grays alone.
  let isGray: Bool

  init(_ bytes: UnsafeRawBufferPointer, _ header: BMPHeader) throws {
    guard header.bitsPerPixel <= 8 else {
      (colors, isGray) = ([], false)
      return
    }
    let count = header.colorCount == 0 ? 1 << header.bitsPerPixel : header.colorCount
    guard count <= 256 else { throw CaffeError("a palette has at most 256 colors, not \(count)") }
    let end = header.palette + count * header.paletteEntry
    guard end <= bytes.count else { throw CaffeError("the file is truncated") }
    let stored = stride(from: header.palette, to: end, by: header.paletteEntry)
      .map { Array(bytes[$0..<$0 + 3]) }
    isGray = stored.allSatisfy { $0[0] == $0[1] && $0[1] == $0[2] }
    colors = stored + Array(repeating: [0, 0, 0], count: 256 - count)
  }
}
