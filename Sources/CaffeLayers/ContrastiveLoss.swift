import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Draws similar pairs together and others apart, up to a margin (Hadsell, Chopra & LeCun 2006):
/// Σ (y · d² + (1 − y) · max(margin − d, 0)²) / 2n, d the distance of a pair.
///
/// - Bottoms: `[n, c]` twice, and n flags y: similar where the whole part is not 0. Top: the loss, a
///   scalar. `legacy_version` takes max(margin − d², 0) for the pairs that are not similar.
///
/// As in Caffe the gradient divides by d + 1e-4, so that equal vectors are no trouble.
///
/// Source: BVLC Caffe, `contrastive_loss_layer.cpp`.
final class ContrastiveLossLayer: Layer {
  static let kind = LayerKind(
    "ContrastiveLoss", bottoms: .exactly(3), tops: .exactly(1), isLoss: true, automaticTops: 1,
    labels: [2],
    documentation: LayerDocumentation(
      "Draws similar pairs of vectors together and others apart, up to a margin",
      formula: "loss = sum(y d^2 + (1 - y) max(margin - d, 0)^2) / 2n, d = |a - b|",
      parameterFields: ["contrastive_loss_param"], source: "contrastive_loss_layer.cpp")
  ) { try ContrastiveLossLayer($0, context: $1) }

  private let squared = Tensor([0])

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let (a, b, flags) = (bottoms[0], bottoms[1], bottoms[2])
    for shape in [a, b] {
      guard shape.axes <= 4, shape.legacy(2) == 1, shape.legacy(3) == 1 else {
        throw CaffeError("a batch of vectors must have shape n x c (x 1 x 1), got \(shape)")
      }
    }
    guard a.legacy(0) == b.legacy(0), a.legacy(1) == b.legacy(1) else {
      throw CaffeError("both batches of vectors must have the same shape: \(a) vs. \(b)")
    }
    guard flags.count == a.legacy(0) else {
      throw CaffeError("there must be one flag for each of \(a.legacy(0)) pairs, got \(flags)")
    }
    return [[]]
  }

  override func reshape() throws { squared.reshape(try Shape([bottom[2].count])) }

  private var kernel: ContrastiveKernel {
    let (extents, contrastive) = (
      SoftmaxExtents(rowsOf: bottom[0].shape), parameter.contrastiveLossParam
    )
    return ContrastiveKernel(
      pairs: extents.outer, extent: extents.channels, margin: contrastive.margin,
      penalty: contrastive.legacyVersion ? .squaredDistance : .distance)
  }

  private var batch: Float { SoftmaxExtents(rowsOf: bottom[0].shape).batch }

  override func forward() throws {
    let sum = kernel.forward(
      bottom[0].data.read(), bottom[1].data.read(), similar: bottom[2].data.read(),
      squared: squared.overwrite())
    top[0].data.values = [Float(sum / Double(2 * batch))]
  }

  override func backward(propagateDown: [Bool]) throws {
    let factor = top[0].diff.values[0] / batch
    for (index, sign) in [Float(1), -1].enumerated() where propagateDown[index] {
      kernel.backward(
        bottom[0].data.read(), bottom[1].data.read(), similar: bottom[2].data.read(),
        squared: squared.read(), factor: sign * factor, into: bottom[index].diff.overwrite())
    }
  }
}
