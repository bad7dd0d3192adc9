import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// The cross entropy of σ(x) and targets t, each a probability by itself:
/// −Σ (t · ln σ(x) + (1 − t) · ln(1 − σ(x))) / normaliser.
///
/// - Bottoms: scores, and as many targets in [0, 1]. Top: the loss, a scalar.
/// - `normalization` divides by the batch (BATCH_SIZE, unless set), by the targets not ignored (VALID),
///   by all (FULL) or by nothing (NONE); targets whose whole part is `ignore_label` count nowhere.
///
/// Computed as ln(1 + e^x) − x·t, which neither overflows nor loses digits.
///
/// Source: BVLC Caffe, `sigmoid_cross_entropy_loss_layer.cpp`.
final class SigmoidCrossEntropyLossLayer: Layer {
  static let kind = LayerKind(
    "SigmoidCrossEntropyLoss", bottoms: .exactly(2), tops: .exactly(1), isLoss: true,
    automaticTops: 1, labels: [1],
    documentation: LayerDocumentation(
      "Cross entropy of the sigmoids of scores and targets that are probabilities each by itself",
      formula: "loss = sum(ln(1 + e^x) - x t) / normaliser", parameterFields: ["loss_param"],
      source: "sigmoid_cross_entropy_loss_layer.cpp")
  ) { try SigmoidCrossEntropyLossLayer($0, context: $1) }

  private let normalization: LossNormalization
  private var divisor: Float = 1

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    normalization = LossNormalization(parameter.lossParam, fallback: .batchSize)
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    try LossShapes.checkBatch(bottoms)
    try LossShapes.checkCount(bottoms)
    return [[]]
  }

  override func forward() throws {
    let extents = SoftmaxExtents(rowsOf: bottom[0].shape)
    let (loss, counted) = SigmoidCrossEntropyKernel.forward(
      bottom[0].data.read(), target: bottom[1].data.read(), count: extents.count,
      ignoring: normalization.ignored)
    divisor = normalization.divisor(
      outer: extents.outer, inner: extents.channels, counted: counted)
    top[0].data.values = [Float(loss / Double(divisor))]
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    SigmoidCrossEntropyKernel.backward(
      bottom[0].data.read(), target: bottom[1].data.read(),
      factor: top[0].diff.values[0] / divisor, count: bottom[0].count,
      ignoring: normalization.ignored,
      into: bottom[0].diff.overwrite())
  }
}
