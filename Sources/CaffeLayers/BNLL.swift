import CaffeCore
import CaffeKernels
import CaffeSchema

/// Binomial normal log likelihood, a smooth ReLU: y = ln(1 + e^x). Any shape, in place or not.
///
/// Source: BVLC Caffe, `bnll_layer.cpp`.
final class BNLLLayer: ElementwiseLayer {
  static let kind = LayerKind(
    "BNLL", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    documentation: LayerDocumentation(
      "Binomial normal log likelihood, a smooth ReLU", formula: "y = ln(1 + e^x)",
      source: "bnll_layer.cpp")
  ) { try BNLLLayer($0, context: $1) }

  override var gradientNeedsInput: Bool { true }

  override func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    BNLLKernel.forward(input, count: count, into: output)
  }

  override func applyGradient(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    BNLLKernel.backward(gradient, input: input, count: count, into: inputGradient)
  }
}
