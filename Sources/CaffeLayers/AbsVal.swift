import CaffeCore
import CaffeKernels
import CaffeSchema

/// Magnitude: y = |x|. Any shape, not in place. The gradient at 0 is 0.
///
/// Source: BVLC Caffe, `absval_layer.cpp`.
final class AbsValLayer: ElementwiseLayer {
  static let kind = LayerKind(
    "AbsVal", bottoms: .exactly(1), tops: .exactly(1),
    documentation: LayerDocumentation(
      "Magnitude", formula: "y = |x|", source: "absval_layer.cpp")
  ) { try AbsValLayer($0, context: $1) }

  override var keepsZero: Bool { true }
  override var gradientNeedsInput: Bool { true }

  override func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    AbsValKernel.forward(input, count: count, into: output)
  }

  override func applyGradient(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    AbsValKernel.backward(gradient, input: input, count: count, into: inputGradient)
  }
}
