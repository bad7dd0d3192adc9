import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// y = base^(shift + scale · x); the default `base`, −1, stands for e.
///
/// Any shape, in place or not.
///
/// Source: BVLC Caffe, `exp_layer.cpp`.
final class ExpLayer: ElementwiseLayer {
  static let kind = LayerKind(
    "Exp", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    outputUse: LayerKind.always(.values),
    documentation: LayerDocumentation(
      "Exponential; the base -1 stands for e", formula: "y = base^(shift + scale x)",
      parameterFields: ["exp_param"], source: "exp_layer.cpp")
  ) { try ExpLayer($0, context: $1) }

  private let base: Float
  private let scale: Float
  private let shift: Float

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let exp = parameter.expParam
    guard exp.base == -1 || exp.base > 0 else {
      throw CaffeError("base must be positive, or -1 for e, got \(Text.number(exp.base))")
    }
    base = exp.base
    scale = exp.scale
    shift = exp.shift
    try super.init(parameter, context: context)
  }

  override func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ExpKernel.forward(
      input, base: base, scale: scale, shift: shift, count: count, into: output)
  }

  override func applyGradient(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ExpKernel.backward(
      gradient, output: output, base: base, scale: scale, count: count, into: inputGradient)
  }
}
