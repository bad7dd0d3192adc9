import CaffeErrors
import CaffeSchema

extension BlobProto {
  /// Whether the values belong into a blob of shape `target`: the same shape, or the same but for
  /// leading ones where the message has the old four-axis form.
  ///
  /// Source: BVLC Caffe, `Blob::ShapeEquals`.
  public func fits(_ target: Shape) -> Bool {
    guard hasLegacyShape else { return extents == target.dimensions }
    let ones = Array(repeating: 1, count: max(0, 4 - target.axes))
    return target.axes <= 4 && ones + target.dimensions == [num, channels, height, width]
  }

  /// Copies the values, of single or double precision, to a tensor.
  ///
  /// - Throws: another shape, or another number of values than the shape has.
  public func copyValues(to tensor: Tensor) throws {
    guard fits(tensor.shape) else {
      throw CaffeError(
        "shape mismatch.  Source param shape is \(shapeText); target param shape is \(tensor.shape)"
      )
    }
    let values = values
    guard values.count == tensor.count else {
      throw CaffeError("\(values.count) values for shape \(tensor.shape)")
    }
    tensor.values = values
  }

  /// As Caffe prints shapes: `20 1 5 5 (500)`.
  public var shapeText: String {
    "\(extents.map(String.init).joined(separator: " ")) (\(values.count))"
  }

  /// The values of a tensor with its shape, as snapshots store them.
  public init(_ tensor: Tensor) {
    self.init()
    var shape = BlobShape()
    shape.dim = tensor.shape.dimensions
    self.shape = shape
    data = tensor.values
  }
}
