import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// The multinomial logistic loss of probabilities: −Σ ln p[label] / n.
///
/// - Bottoms: probabilities `[n, classes…]`, such as a Softmax makes, and n labels in `0..<classes`.
///   Top: the loss, a scalar. A probability is taken as at least 1e-20.
///
/// For training, SoftmaxWithLoss is the same of scores and numerically safer.
///
/// Source: BVLC Caffe, `multinomial_logistic_loss_layer.cpp`.
final class MultinomialLogisticLossLayer: Layer {
  static let kind = LayerKind(
    "MultinomialLogisticLoss", bottoms: .exactly(2), tops: .exactly(1), isLoss: true,
    automaticTops: 1, labels: [1],
    documentation: LayerDocumentation(
      "Multinomial logistic loss of probabilities that a layer below made",
      formula: "loss = -sum(ln(max(p[label], 1e-20))) / n",
      source: "multinomial_logistic_loss_layer.cpp")
  ) { try MultinomialLogisticLossLayer($0, context: $1) }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    try LabelCheck.count(
      bottoms[1].count, positions: SoftmaxExtents(rowsOf: bottoms[0]).labelCount,
      scores: "\(bottoms[0])")
    return [[]]
  }

  override func forward() throws {
    let extents = SoftmaxExtents(rowsOf: bottom[0].shape)
    try extents.check(bottom[1])
    let (loss, _) = SoftmaxLossKernel.forward(
      bottom[0].data.read(), labels: bottom[1].data.read(), extents,
      floor: LossShapes.smallestProbability)
    top[0].data.values = [Float(loss / Double(extents.batch))]
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let extents = SoftmaxExtents(rowsOf: bottom[0].shape)
    MultinomialKernel.backward(
      bottom[0].data.read(), labels: bottom[1].data.read(), rows: extents.outer,
      classes: extents.channels, floor: LossShapes.smallestProbability,
      factor: top[0].diff.values[0] / extents.batch, into: bottom[0].diff.overwrite())
  }
}
