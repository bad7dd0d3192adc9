import CaffeErrors
import CaffeSchema

extension BlobProto {
  /// The shape written in the message; the old `num`, `channels`, `height`, `width` make four axes.
  public var writtenShape: [Int] {
    if hasShape { return shape.dim }
    if hasNum || hasChannels || hasHeight || hasWidth { return [num, channels, height, width] }
    return [data.isEmpty ? doubleData.count : data.count]
  }

  /// Whether values of the written shape fill `target`: the same shape, or the same but for leading
  /// ones where the message has the old four-axis form.
  public func fits(_ target: Shape) -> Bool {
    if hasShape { return shape.dim == target.dimensions }
    guard hasNum || hasChannels || hasHeight || hasWidth else { return true }
    let padding = Array(repeating: 1, count: max(0, 4 - target.axes))
    return target.axes <= 4 && padding + target.dimensions == [num, channels, height, width]
  }

  /// Copies the values (single or double precision) to a tensor.
  ///
  /// - Throws: another shape, or another number of values.
  public func copyValues(to tensor: Tensor) throws {
    guard fits(tensor.shape) else {
      let source = writtenShape.map(String.init).joined(separator: " ")
      throw CaffeError(
        "shape mismatch.  Source param shape is \(source); target param shape is \(tensor.shape)")
    }
    let values = doubleData.isEmpty ? data : doubleData.map(Float.init)
    guard values.count == tensor.count else {
      throw CaffeError("\(values.count) values for shape \(tensor.shape)")
    }
    tensor.values = values
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
