import CaffeErrors

/// Makes of image files what a deploy net takes, as Caffe's program `classification` does: decoded as
/// they are stored, made gray or colour, scaled to the net's extents, the mean of each channel subtracted.
///
/// Source: BVLC Caffe, `classification.cpp`.
package struct ImagePreparation: Sendable {
  package let extents: DataTransformer.Extents
  private let transformer: DataTransformer

  /// - Parameters:
  ///   - extents: of the net's input, one or three channels.
  ///   - means: none, one for all channels, or one for each.
  ///   - scale: what the difference is multiplied by.
  package init(
    for extents: DataTransformer.Extents, means: [Float] = [], scale: Float = 1
  ) throws {
    guard extents.channels == 1 || extents.channels == 3 else {
      throw CaffeError("the input must have 1 or 3 channels, it has \(extents.channels)")
    }
    self.extents = extents
    transformer = try DataTransformer(
      TransformSettings(scale: scale, meanValues: means), isTraining: false)
    _ = try transformer.outputExtents(of: extents)
  }

  /// The values of an image, `[channels, height, width]`.
  ///
  /// - Throws: naming the file.
  package func prepare(_ path: String) throws -> [Float] {
    let image = try ImageDecoder.decode(file: path, .native)
      .converted(channels: extents.channels)
      .resized(height: extents.height, width: extents.width)
    var values = [Float](repeating: 0, count: extents.count)
    try values.withUnsafeMutableBufferPointer {
      try transformer.transform(image, TransformDraw(seed: 0, pass: 0, item: 0), into: $0)
    }
    return values
  }
}
