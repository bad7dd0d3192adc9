import CaffeErrors
import CaffeSchema

/// Decodes encoded images, chosen by their first bytes: PNG, JPEG, BMP and PNM.
///
/// The pixels are those OpenCV gives: alpha dropped, palettes expanded, 16 bits cut to 8, photographs
/// turned as their Exif data say unless they are wanted as stored.
package enum ImageDecoder {
  /// Which channels are wanted.
  package enum Colors: Sendable {
    /// Three channels: blue, green, red; gray is repeated.
    case color
    /// One channel; colour is weighed by brightness.
    case gray
    /// As stored: one channel for gray files, three for all others, not turned.
    case native
  }

  /// More pixels than any photograph has; a few forged bytes can claim 4 billion.
  static let mostPixels = 1 << 28

  /// Twice what the most pixels need uncompressed.
  static let mostFileBytes = 6 * mostPixels

  package static func decode(_ bytes: UnsafeRawBufferPointer, _ colors: Colors) throws -> Image {
    if bytes.starts(with: PNGDecoder.signature) {
      return try withPlace("PNG image") { try PNGDecoder.decode(bytes, colors) }
    }
    if bytes.starts(with: JPEGDecoder.signature) {
      return try withPlace("JPEG image") { try JPEGDecoder.decode(bytes, colors) }
    }
    if bytes.starts(with: BMPDecoder.signature) {
      return try withPlace("BMP image") { try BMPDecoder.decode(bytes).converted(to: colors) }
    }
    if PNMDecoder.isSignature(bytes) {
      return try withPlace("PNM image") { try PNMDecoder.decode(bytes).converted(to: colors) }
    }
    throw CaffeError(
      bytes.isEmpty ? "the image is empty" : "the image is neither PNG, JPEG, BMP nor PNM")
  }

  /// Reads and decodes the file `path`.
  package static func decode(file path: String, _ colors: Colors) throws -> Image {
    try FileBytes.withBytes(of: path, limit: mostFileBytes) { bytes in
      try withPlace(path) { try decode(bytes, colors) }
    }
  }

  static func checkSize(width: Int, height: Int) throws {
    let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !overflow, pixels <= mostPixels else {
      throw CaffeError(
        "the header claims \(width)×\(height) pixels; at most \(mostPixels) are read")
    }
  }
}
