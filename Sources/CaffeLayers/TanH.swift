import CaffeCore
import CaffeKernels
import CaffeSchema

/// Hyperbolic tangent: y = tanh x. Any shape, in place or not.
///
/// Source: BVLC Caffe, `tanh_layer.cpp`.
final class TanHLayer: ElementwiseLayer {
  static let kind = LayerKind(
    "TanH", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    outputUse: LayerKind.always(.values),
    documentation: LayerDocumentation(
      "Hyperbolic tangent", formula: "y = tanh x", parameterFields: ["tanh_param"],
      source: "tanh_layer.cpp")
  ) { try TanHLayer($0, context: $1) }

  override var keepsZero: Bool { true }

  override func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    TanHKernel.forward(input, count: count, into: output)
  }

  override func applyGradient(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    TanHKernel.backward(gradient, output: output, count: count, into: inputGradient)
  }
}
