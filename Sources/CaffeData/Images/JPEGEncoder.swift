import CTurboJPEG
import CaffeErrors

/// Writes JPEG files of quality 95, colour at half the resolution: OpenCV's defaults.
enum JPEGEncoder {
  private static let quality: Int32 = 95

  static func encode(_ image: Image) throws -> [UInt8] {
    guard let handle = tjInitCompress() else { throw CaffeError("TurboJPEG: out of memory") }
    defer { tjDestroy(handle) }
    let isGray = image.channels == 1
    var bytes: UnsafeMutablePointer<UInt8>?
    var count: UInt = 0
    defer { tjFree(bytes) }
    let status = image.pixels.withUnsafeBufferPointer {
      tjCompress2(
        handle, $0.baseAddress, Int32(image.width), 0, Int32(image.height),
        (isGray ? TJPF_GRAY : TJPF_BGR).rawValue, &bytes, &count,
        Int32((isGray ? TJSAMP_GRAY : TJSAMP_420).rawValue), quality, TJFLAG_ACCURATEDCT)
    }
    guard status == 0 else { throw CaffeError(String(cString: tjGetErrorStr2(handle))) }
    return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
  }
}
