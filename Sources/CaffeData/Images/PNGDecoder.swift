import CPNG
import CaffeErrors

/// The one door to libpng.
enum PNGDecoder {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// What the header chunk says, which every PNG has at the same place.
  private struct Header {
    let width: Int
    let height: Int
    let isGray: Bool

    init(_ bytes: UnsafeRawBufferPointer) throws {
      guard bytes.count >= 33, bytes[12..<16].elementsEqual("IHDR".utf8) else {
        throw CaffeError("the file is truncated")
      }
      func number(at offset: Int) -> Int {
        Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
      }
      width = number(at: 16)
      height = number(at: 20)
      // Bit 1 of the colour type: red, green and blue, possibly by palette.
      isGray = bytes[25] & 2 == 0
    }
  }

  static func decode(
    _ bytes: UnsafeRawBufferPointer, _ colors: ImageDecoder.Colors
  ) throws -> Image {
    let header = try Header(bytes)
    try ImageDecoder.checkSize(width: header.width, height: header.height)
    let isGray = colors == .gray || colors == .native && header.isGray
    let channels = isGray ? 1 : 3
    let stride = header.width * channels
    // Deflate shrinks at most 1032 times, and one byte can hold 8 pixels.
    guard header.width * header.height / (8 * 1032) <= bytes.count else {
      throw CaffeError(
        "the header claims \(header.width)×\(header.height) pixels in \(bytes.count) bytes")
    }
    var pixels = [UInt8](repeating: 0, count: header.height * stride)
    var rows = [UnsafeMutablePointer<UInt8>?](repeating: nil, count: header.height)
    var message = [UInt8](repeating: 0, count: 128)
    let wanted: png_colors =
      switch colors {
      case .color: png_as_bgr
      case .gray: png_as_gray
      case .native: png_as_stored
      }
    let decoded = png_decode_rows(
      bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, wanted, &pixels, stride, &rows,
      &message, message.count)
    guard decoded == 1 else {
      throw CaffeError(String(decoding: message.prefix { $0 != 0 }, as: UTF8.self))
    }
    return Image(height: header.height, width: header.width, channels: channels, pixels: pixels)
  }
}
