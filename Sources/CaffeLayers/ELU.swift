import CaffeCore
import CaffeKernels
import CaffeSchema

/// Exponential linear unit (Clevert et al. 2015): y = x where x > 0, else alpha · (e^x − 1).
///
/// Any shape, in place or not.
///
/// Source: BVLC Caffe, `elu_layer.cpp`.
final class ELULayer: ElementwiseLayer {
  static let kind = LayerKind(
    "ELU", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    outputUse: LayerKind.always(.values),
    documentation: LayerDocumentation(
      "Exponential linear unit", formula: "y = x where x > 0, else alpha (e^x - 1)",
      parameterFields: ["elu_param"], source: "elu_layer.cpp")
  ) { try ELULayer($0, context: $1) }

  private let alpha: Float

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    alpha = parameter.eluParam.alpha
    try super.init(parameter, context: context)
  }

  override var keepsZero: Bool { true }
  // With a positive alpha the sign of y is that of x.
  override var gradientNeedsInput: Bool { alpha <= 0 }

  override func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ELUKernel.forward(input, alpha: alpha, count: count, into: output)
  }

  override func applyGradient(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ELUKernel.backward(
      gradient, input: input, output: output, alpha: alpha, count: count, into: inputGradient)
  }
}
