import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// One-versus-all hinge loss, as of a linear support vector machine: Σ max(0, 1 − δ·x)^p / n, with
/// δ = 1 for the label's class and −1 for all others, and p = 1 (`norm: L1`) or 2 (`L2`).
///
/// - Bottoms: scores `[n, classes…]` and n labels in `0..<classes`. Top: the loss, a scalar.
///
/// Source: BVLC Caffe, `hinge_loss_layer.cpp`.
final class HingeLossLayer: Layer {
  static let kind = LayerKind(
    "HingeLoss", bottoms: .exactly(2), tops: .exactly(1), isLoss: true, automaticTops: 1,
    labels: [1],
    documentation: LayerDocumentation(
      "One-versus-all hinge loss, as of a linear support vector machine",
      formula:
        "loss = sum(max(0, 1 - s x)^p) / n, s = 1 for the label's class, else -1; p = 1 or 2",
      parameterFields: ["hinge_loss_param"], source: "hinge_loss_layer.cpp")
  ) { try HingeLossLayer($0, context: $1) }

  private let norm: HingeKernel.Norm
  private let margins = Tensor([0])

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    norm =
      switch parameter.hingeLossParam.norm {
      case .l1: .l1
      case .l2: .l2
      }
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    try LabelCheck.count(
      bottoms[1].count, positions: SoftmaxExtents(rowsOf: bottoms[0]).labelCount,
      scores: "\(bottoms[0])")
    return [[]]
  }

  override func reshape() throws { margins.reshape(bottom[0].shape) }

  override func forward() throws {
    let extents = SoftmaxExtents(rowsOf: bottom[0].shape)
    try extents.check(bottom[1])
    let sum = HingeKernel.forward(
      bottom[0].data.read(), labels: bottom[1].data.read(), rows: extents.outer,
      classes: extents.channels, norm: norm,
      margins: margins.overwrite())
    top[0].data.values = [Float(sum / Double(extents.batch))]
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let extents = SoftmaxExtents(rowsOf: bottom[0].shape)
    HingeKernel.backward(
      margins: margins.read(), labels: bottom[1].data.read(), rows: extents.outer,
      classes: extents.channels, norm: norm,
      factor: top[0].diff.values[0] / extents.batch, into: bottom[0].diff.overwrite())
  }
}
