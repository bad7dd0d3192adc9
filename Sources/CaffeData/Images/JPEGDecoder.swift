import CTurboJPEG
import CaffeErrors

/// The one door to TurboJPEG.
enum JPEGDecoder {
  static let signature: [UInt8] = [0xFF, 0xD8, 0xFF]

  /// Progressive files of more than 500 scans, each a pass over the picture, are refused.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, _ colors: ImageDecoder.Colors
  ) throws -> Image {
    guard let handle = tjInitDecompress() else { throw CaffeError("TurboJPEG: out of memory") }
    defer { tjDestroy(handle) }
    let source = bytes.bindMemory(to: UInt8.self).baseAddress
    let size = UInt(bytes.count)
    var (width, height, subsampling, space) = (Int32(0), Int32(0), Int32(0), Int32(0))
    try check(
      tjDecompressHeader3(handle, source, size, &width, &height, &subsampling, &space), handle)
    guard width > 0, height > 0 else {
      throw CaffeError("the file is truncated: it ends before its header does")
    }
    try ImageDecoder.checkSize(width: Int(width), height: Int(height))
    // A block of 64 pixels takes a bit at least.
    guard Int(width) * Int(height) / (8 * 64) <= bytes.count else {
      throw CaffeError("the header claims \(width)×\(height) pixels in \(bytes.count) bytes")
    }
    let isInk = space == TJCS_CMYK.rawValue || space == TJCS_YCCK.rawValue
    let isGray = colors == .gray || colors == .native && space == TJCS_GRAY.rawValue
    let format = isInk ? TJPF_CMYK : isGray ? TJPF_GRAY : TJPF_BGR
    let stored = isInk ? 4 : isGray ? 1 : 3
    var pixels = [UInt8](repeating: 0, count: Int(width) * Int(height) * stored)
    try check(
      tjDecompress2(
        handle, source, size, &pixels, width, 0, height, format.rawValue,
        TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS),
      handle)
    if isInk { pixels = bgr(fromInk: pixels) }
    if isInk && isGray { pixels = Image.gray(fromBGR: pixels) }
    let image = Image(
      height: Int(height), width: Int(width), channels: isGray ? 1 : 3, pixels: pixels)
    return colors == .native ? image : JPEGOrientation(of: bytes).applied(to: image)
  }

  /// Sorts the status codes. Like OpenCV, flaws that leave a picture (stray bytes between markers)
  /// are overlooked; unlike it, the loss of the picture's end is not.
  private static func check(_ status: Int32, _ handle: tjhandle) throws {
    guard status != 0 else { return }
    let message = String(cString: tjGetErrorStr2(handle))
    let isFlaw = tjGetErrorCode(handle) == TJERR_WARNING.rawValue
    guard isFlaw && !message.contains("Premature end") else { throw CaffeError(message) }
  }

  /// Inverted cyan, magenta, yellow, key, as photo editors store them, to blue, green, red.
  private static func bgr(fromInk pixels: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(pixels.count / 4 * 3)
    for pixel in stride(from: 0, to: pixels.count, by: 4) {
      let key = Int(pixels[pixel + 3])
      for ink in [2, 1, 0] {
        let lack = 255 - Int(pixels[pixel + ink])
        result.append(UInt8(clamping: key - ((lack * key) >> 8)))
      }
    }
    return result
  }
}
