import CPNG
import CaffeErrors

/// Writes PNG files by libpng's simplified calls, which report errors instead of jumping.
enum PNGEncoder {
  static func encode(_ image: Image) throws -> [UInt8] {
    var control = png_image()
    control.version = png_uint_32(PNG_IMAGE_VERSION)
    control.width = png_uint_32(image.width)
    control.height = png_uint_32(image.height)
    let bgr = UInt32(PNG_FORMAT_FLAG_COLOR) | UInt32(PNG_FORMAT_FLAG_BGR)
    control.format = image.channels == 1 ? 0 : bgr
    defer { png_image_free(&control) }
    // What does not shrink grows by a filter byte a row and a little for blocks and chunks.
    var count = image.pixels.count + image.pixels.count / 100 + image.height + 4096
    return try [UInt8](unsafeUninitializedCapacity: count) { bytes, written in
      let status = image.pixels.withUnsafeBytes {
        png_image_write_to_memory(
          &control, bytes.baseAddress, &count, 0, $0.baseAddress, 0, nil)
      }
      guard status == 1 else { throw CaffeError(message(of: control)) }
      written = count
    }
  }

  private static func message(of control: png_image) -> String {
    withUnsafeBytes(of: control.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
