import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Half the mean squared distance of two batches, for regression: Σ (a − b)² / 2n.
///
/// - Bottoms: two blobs of as many values, n = their first dimension. Top: the loss, a scalar. Both
///   bottoms get a gradient: ±(a − b) / n.
///
/// Source: BVLC Caffe, `euclidean_loss_layer.cpp`.
final class EuclideanLossLayer: Layer {
  static let kind = LayerKind(
    "EuclideanLoss", bottoms: .exactly(2), tops: .exactly(1), isLoss: true, automaticTops: 1,
    documentation: LayerDocumentation(
      "Half the mean squared distance of two batches, for regression",
      formula: "loss = sum((a - b)^2) / 2n", source: "euclidean_loss_layer.cpp")
  ) { try EuclideanLossLayer($0, context: $1) }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    try LossShapes.checkBatch(bottoms)
    try LossShapes.checkCount(bottoms)
    return [[]]
  }

  private var batch: Float { SoftmaxExtents(rowsOf: bottom[0].shape).batch }

  override func forward() throws {
    let sum = Vector.squaredDistance(
      bottom[0].data.read(), bottom[1].data.read(), count: bottom[0].count)
    top[0].data.values = [Float(sum / Double(2 * batch))]
  }

  override func backward(propagateDown: [Bool]) throws {
    let factor = top[0].diff.values[0] / batch
    for (index, sign) in [Float(1), -1].enumerated() where propagateDown[index] {
      Vector.combine(
        sign * factor, bottom[0].data.read(), -sign * factor, bottom[1].data.read(),
        count: bottom[0].count, into: bottom[index].diff.overwrite())
    }
  }
}
