import CaffeCore
import CaffeKernels
import CaffeSchema

/// Logistic function: y = 1 / (1 + e^−x). Any shape, in place or not.
///
/// Source: BVLC Caffe, `sigmoid_layer.cpp`.
final class SigmoidLayer: ElementwiseLayer {
  static let kind = LayerKind(
    "Sigmoid", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    outputUse: LayerKind.always(.values),
    documentation: LayerDocumentation(
      "Logistic function", formula: "y = 1 / (1 + e^-x)", parameterFields: ["sigmoid_param"],
      source: "sigmoid_layer.cpp")
  ) { try SigmoidLayer($0, context: $1) }

  override func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    SigmoidKernel.forward(input, count: count, into: output)
  }

  override func applyGradient(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    SigmoidKernel.backward(gradient, output: output, count: count, into: inputGradient)
  }
}
