/// Pixels in memory, planar or interleaved, of which the transformer takes lines of one channel.
struct PixelSource<Pixel: PixelValue> {
  private let base: UnsafePointer<Pixel>
  private let channelStride: Int
  private let rowStride: Int
  /// From one pixel of a line to the next.
  let step: Int

  /// Channel by channel, each row by row.
  init(_ pixels: UnsafeBufferPointer<Pixel>, planar extents: DataTransformer.Extents) {
    self.init(
      pixels, extents, channelStride: extents.height * extents.width, rowStride: extents.width,
      step: 1)
  }

  /// Pixel by pixel, each with all its channels.
  init(_ pixels: UnsafeBufferPointer<Pixel>, interleaved extents: DataTransformer.Extents) {
    self.init(
      pixels, extents, channelStride: 1, rowStride: extents.width * extents.channels,
      step: extents.channels)
  }

  private init(
    _ pixels: UnsafeBufferPointer<Pixel>, _ extents: DataTransformer.Extents, channelStride: Int,
    rowStride: Int, step: Int
  ) {
    guard let base = pixels.baseAddress, pixels.count == extents.count else {
      preconditionFailure("\(pixels.count) pixels for \(extents)")
    }
    self.base = base
    self.channelStride = channelStride
    self.rowStride = rowStride
    self.step = step
  }

  func line(channel: Int, row: Int, column: Int) -> UnsafePointer<Pixel> {
    base + (channel * channelStride + row * rowStride + column * step)
  }
}

/// The inner loops of the transformer: `output[i] = (pixels[i · step] − mean) · scale`.
///
/// One variant for each step and kind of mean, so that the compiler makes vector code of each.
enum PixelLine {
  static func subtract<Pixel: PixelValue>(
    _ mean: Float, _ scale: Float, _ pixels: UnsafePointer<Pixel>, _ step: Int, _ count: Int,
    _ output: UnsafeMutablePointer<Float>
  ) {
    map(pixels, step, count, output) { value, _ in (value - mean) * scale }
  }

  static func subtract<Pixel: PixelValue>(
    _ means: UnsafePointer<Float>, _ scale: Float, _ pixels: UnsafePointer<Pixel>, _ step: Int,
    _ count: Int, _ output: UnsafeMutablePointer<Float>
  ) {
    map(pixels, step, count, output) { value, index in (value - means[index]) * scale }
  }

  @inline(__always)
  private static func map<Pixel: PixelValue>(
    _ pixels: UnsafePointer<Pixel>, _ step: Int, _ count: Int,
    _ output: UnsafeMutablePointer<Float>, _ transform: (Float, Int) -> Float
  ) {
    switch step {
    case 1: for i in 0..<count { output[i] = transform(pixels[i].float, i) }
    case 3: for i in 0..<count { output[i] = transform(pixels[i &* 3].float, i) }
    default: for i in 0..<count { output[i] = transform(pixels[i &* step].float, i) }
    }
  }
}

/// A number that a datum may hold.
protocol PixelValue {
  /// What values may be; nil if anything.
  static var range: ClosedRange<Float>? { get }
  var float: Float { get }
}
extension UInt8: PixelValue {
  static var range: ClosedRange<Float>? { 0...255 }
  var float: Float { Float(self) }
}
extension Float: PixelValue {
  static var range: ClosedRange<Float>? { nil }
  var float: Float { self }
}
