import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Makes one value of all axes from `axis` on: `coeff` times their sum (SUM), sum of magnitudes
/// (ASUM), sum of squares (SUMSQ) or mean (MEAN).
///
/// - Bottom: any shape; top: the bottom's axes before `axis`, a scalar if that is 0.
///
/// Source: BVLC Caffe, `reduction_layer.cpp`.
final class ReductionLayer: Layer {
  static let kind = LayerKind(
    "Reduction", bottoms: .exactly(1), tops: .exactly(1),
    documentation: LayerDocumentation(
      "Makes one value of all axes from axis on",
      formula: "y = coeff times sum(x), sum(|x|), sum(x^2) or mean(x)",
      parameterFields: ["reduction_param"], source: "reduction_layer.cpp")
  ) { try ReductionLayer($0, context: $1) }

  private let operation: ReductionKernel.Operation
  private let coefficient: Float

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    operation =
      switch parameter.reductionParam.operation {
      case .sum: .sum
      case .asum: .absoluteSum
      case .sumsq: .squaredSum
      case .mean: .mean
      }
    coefficient = parameter.reductionParam.coeff
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let axis = try bottoms[0].axis(parameter.reductionParam.axis)
    return [try Shape(Array(bottoms[0].dimensions[..<axis]))]
  }

  private var extent: Int { bottom[0].shape.count(from: top[0].shape.axes) }

  override func forward() throws {
    ReductionKernel.forward(
      operation, bottom[0].data.read(), rows: top[0].count, extent: extent,
      coefficient: coefficient, into: top[0].data.overwrite())
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    ReductionKernel.backward(
      operation, top[0].diff.read(), input: bottom[0].data.read(), rows: top[0].count,
      extent: extent, coefficient: coefficient, into: bottom[0].diff.overwrite())
  }
}
