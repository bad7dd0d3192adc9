import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// The multinomial logistic loss of the softmax of its scores: −Σ ln p[label] / normaliser.
///
/// - Bottoms: scores `[n…, c, spatial…]` with the classes on `axis`, and one label in `0..<c` for
///   each other position. Tops: the loss, a scalar, and optionally the probabilities.
/// - `normalization` (VALID unless set) divides by the labels not ignored, by all (FULL), by the batch
///   (BATCH_SIZE) or by nothing (NONE); `ignore_label` counts nowhere.
///
/// A probability is taken as at least 2^−126, so one hopeless label costs 87.3365.
///
/// Source: BVLC Caffe, `softmax_loss_layer.cpp`.
final class SoftmaxWithLossLayer: Layer {
  static let kind = LayerKind(
    "SoftmaxWithLoss", bottoms: .exactly(2), tops: .between(1, 2),
    outputUse: LayerKind.always(.values), isLoss: true, automaticTops: 1,
    labels: [1],
    documentation: LayerDocumentation(
      "Multinomial logistic loss of the softmax of scores, for classification",
      formula: "loss = -sum(ln(max(p[label], 2^-126))) / normaliser, p = softmax(x)",
      parameterFields: ["softmax_param", "loss_param"], source: "softmax_loss_layer.cpp")
  ) { try SoftmaxWithLossLayer($0, context: $1) }

  private let normalization: LossNormalization
  private let probability = Tensor([0])
  private var divisor: Float = 1

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    normalization = LossNormalization(parameter.lossParam)
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let extents = try SoftmaxExtents(bottoms[0], axis: parameter.softmaxParam.axis)
    try LabelCheck.count(
      bottoms[1].count, positions: extents.labelCount, scores: "\(bottoms[0])")
    return parameter.top.count > 1 ? [[], bottoms[0]] : [[]]
  }

  override func reshape() throws {
    probability.reshape(bottom[0].shape)
    if top.count > 1 { top[1].data.share(probability) }
  }

  override func forward() throws {
    let extents = try SoftmaxExtents(bottom[0].shape, axis: parameter.softmaxParam.axis)
    let labels = bottom[1].data.read()
    try LabelCheck.range(
      Labels.firstInvalid(
        labels, count: extents.labelCount, classes: extents.channels,
        ignoring: normalization.ignored), classes: extents.channels)
    let target = probability.overwrite()
    SoftmaxKernel.forward(bottom[0].data.read(), extents, into: target)
    let (loss, counted) = SoftmaxLossKernel.forward(
      target, labels: labels, extents, ignoring: normalization.ignored)
    divisor = normalization.divisor(outer: extents.outer, inner: extents.inner, counted: counted)
    top[0].data.overwrite()[0] = Float(loss / Double(divisor))
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let extents = try SoftmaxExtents(bottom[0].shape, axis: parameter.softmaxParam.axis)
    SoftmaxLossKernel.backward(
      probability.read(), labels: bottom[1].data.read(), extents,
      factor: top[0].diff.read()[0] / divisor, ignoring: normalization.ignored,
      into: bottom[0].diff.overwrite())
  }
}
