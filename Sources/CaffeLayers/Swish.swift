import CaffeCore
import CaffeKernels
import CaffeSchema

/// Swish (Ramachandran et al. 2017): y = x · σ(beta · x). Any shape, in place or not.
///
/// Source: BVLC Caffe, `swish_layer.cpp`.
final class SwishLayer: ElementwiseLayer {
  static let kind = LayerKind(
    "Swish", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    outputUse: LayerKind.always(.values),
    documentation: LayerDocumentation(
      "A smooth ReLU that dips below 0", formula: "y = x / (1 + e^(-beta x))",
      parameterFields: ["swish_param"], source: "swish_layer.cpp")
  ) { try SwishLayer($0, context: $1) }

  private let beta: Float
  /// σ(beta · x) of the last forward pass, in plain order.
  private var sigmoid = Workspace()

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    beta = parameter.swishParam.beta
    try super.init(parameter, context: context)
  }

  override func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    SwishKernel.forward(
      input, beta: beta, count: count, sigmoid: sigmoid.reserve(count), into: output)
  }

  override func applyGradient(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    SwishKernel.backward(
      gradient, output: output, sigmoid: sigmoid.reserve(count), beta: beta, count: count,
      into: inputGradient)
  }
}
