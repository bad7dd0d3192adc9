import CaffeErrors

/// Reads the portable pixmaps of Netpbm: bits (P1, P4), gray (P2, P5) and colour (P3, P6), as text
/// or as bytes.
///
/// As OpenCV does: numbers of text files are stretched from their largest value to 255, bytes are
/// taken as they are, and of 16 bits the upper 8 are kept.
///
/// Source: the Netpbm manual (pbm, pgm, ppm); OpenCV 4.6, `grfmt_pxm.cpp`.
enum PNMDecoder {
  static func isSignature(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= 3 && bytes[0] == UInt8(ascii: "P")
      && (UInt8(ascii: "1")...UInt8(ascii: "6")).contains(bytes[1])
      && PNMText.isBlank(bytes[2])
  }

  static func decode(_ bytes: UnsafeRawBufferPointer) throws -> Image {
    var text = PNMText(bytes)
    let kind = bytes[1] - UInt8(ascii: "0")
    let isText = kind <= 3
    let isBits = kind == 1 || kind == 4
    let width = try text.number()
    let height = try text.number()
    try ImageDecoder.checkSize(width: width, height: height)
    let most = isBits ? 1 : try text.number()
    guard (1..<1 << 16).contains(most) else {
      throw CaffeError("the largest value must be in 1..<65536, got \(most)")
    }
    let channels = kind == 3 || kind == 6 ? 3 : 1
    let row = width * channels
    var pixels =
      isText
      ? try text.samples(row * height, most: most, digits: isBits ? 1 : nil)
      : try samples(text.rest, row: row, height: height, bits: isBits ? 1 : most > 255 ? 16 : 8)
    if isBits { for index in pixels.indices { pixels[index] ^= 255 } }
    if channels == 3 {
      for red in stride(from: 0, to: pixels.count, by: 3) { pixels.swapAt(red, red + 2) }
    }
    return Image(height: height, width: width, channels: channels, pixels: pixels)
  }

  /// The samples of a binary file; a set bit is 255.
  private static func samples(
    _ bytes: UnsafeRawBufferPointer, row: Int, height: Int, bits: Int
  ) throws -> [UInt8] {
    let rowBytes = (row * bits + 7) / 8
    guard rowBytes * height <= bytes.count else { throw CaffeError("the file is truncated") }
    switch bits {
    case 8: return Array(bytes[..<(row * height)])
    case 16: return (0..<row * height).map { bytes[2 * $0] }
    default:
      return (0..<row * height).map { index in
        let (line, column) = index.quotientAndRemainder(dividingBy: row)
        return bytes[line * rowBytes + column / 8] << (column % 8) & 0x80 == 0 ? 0 : 255
      }
    }
  }
}

/// Reads the numbers of a Netpbm file one after the other.
private struct PNMText {
  private let bytes: UnsafeRawBufferPointer
  private var position = 2

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (UInt8(ascii: "\t")...UInt8(ascii: "\r")).contains(byte)
  }

  /// What follows the last number and the blank behind it.
  var rest: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[position...]) }

  /// The next number, after blanks and comments; the blank behind it is passed.
  ///
  /// - Parameter most: how many digits it has at most; as many as there are if nil.
  mutating func number(digits most: Int? = nil) throws -> Int {
    try skipBlanks()
    var number = 0
    var count = 0
    while position < bytes.count, let digit = Self.digit(bytes[position]) {
      number = min(number * 10 + digit, 1 << 32)
      position += 1
      count += 1
      if count == most { return number }
    }
    guard position == bytes.count || Self.isBlank(bytes[position]) else {
      throw CaffeError("'\(Unicode.Scalar(bytes[position]).escaped(asASCII: true))' is no digit")
    }
    position = min(position + 1, bytes.count)
    return number
  }

  /// The pixels of a text file, stretched to 255; larger ones count as `most`, of more than 8 bits the
  /// upper ones are kept.
  mutating func samples(_ count: Int, most: Int, digits: Int?) throws -> [UInt8] {
    // A digit and, but for bits, a blank behind each number except the last.
    let least = digits == 1 ? count : 2 * count - 1
    guard least <= bytes.count - position else { throw CaffeError("the file is truncated") }
    var samples: [UInt8] = []
    samples.reserveCapacity(count)
    for _ in 0..<count {
      let sample = min(try number(digits: digits), most)
      samples.append(UInt8(most > 255 ? sample >> 8 : sample * 255 / most))
    }
    return samples
  }

  private mutating func skipBlanks() throws {
    var isComment = false
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
        isComment = false
      } else if byte == UInt8(ascii: "#") {
        isComment = true
      } else if !isComment && !Self.isBlank(byte) {
        guard Self.digit(byte) == nil else { return }
        throw CaffeError("'\(Unicode.Scalar(byte).escaped(asASCII: true))' is no digit")
      }
      position += 1
    }
    throw CaffeError("the file is truncated")
  }

  private static func digit(_ byte: UInt8) -> Int? {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int(byte - UInt8(ascii: "0")) : nil
  }
}
