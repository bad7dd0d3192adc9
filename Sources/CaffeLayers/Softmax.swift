import CaffeCore
import CaffeKernels
import CaffeSchema

/// Probabilities from scores: y = e^x / Σ e^x along `axis`.
///
/// Any shape, in place or not; the largest score is subtracted first, so nothing overflows.
///
/// Source: BVLC Caffe, `softmax_layer.cpp`.
final class SoftmaxLayer: Layer {
  static let kind = LayerKind(
    "Softmax", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    outputUse: LayerKind.always(.values),
    documentation: LayerDocumentation(
      "Probabilities from scores", formula: "y = e^x / sum(e^x) along axis",
      parameterFields: ["softmax_param"], source: "softmax_layer.cpp")
  ) { try SoftmaxLayer($0, context: $1) }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    _ = try SoftmaxExtents(bottoms[0], axis: parameter.softmaxParam.axis)
    return [bottoms[0]]
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool {
    bottoms[0].isInner(parameter.softmaxParam.axis)
  }

  override func forward() throws {
    let extents = try SoftmaxExtents(bottom[0].shape, axis: parameter.softmaxParam.axis)
    let input = bottom[0].data.read()
    SoftmaxKernel.forward(input, extents, into: top[0].data.overwrite())
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let extents = try SoftmaxExtents(bottom[0].shape, axis: parameter.softmaxParam.axis)
    let gradient = top[0].diff.read()
    SoftmaxKernel.backward(
      gradient, output: top[0].data.read(), extents, into: bottom[0].diff.overwrite())
  }
}

extension SoftmaxExtents {
  /// - Throws: when the shape has no such axis.
  init(_ shape: Shape, axis: Int) throws {
    let axis = try shape.axis(axis)
    self.init(
      outer: shape.count(before: axis), channels: shape[axis], inner: shape.count(from: axis + 1))
  }
}
