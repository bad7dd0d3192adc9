import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Rectified linear unit: y = max(x, 0) + negative_slope · min(x, 0).
///
/// Any shape, in place or not. Runs in whatever order the bottom's values are in.
///
/// Source: BVLC Caffe, `relu_layer.cpp`.
final class ReLULayer: ElementwiseLayer {
  static let kind = LayerKind(
    "ReLU", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    keepsSign: true, outputUse: LayerKind.always(.sign),
    gradientReadsBottoms: ReLULayer.gradientReadsBottoms,
    documentation: LayerDocumentation(
      "Rectified linear unit", formula: "y = max(x, 0) + negative_slope min(x, 0)",
      parameterFields: ["relu_param"], source: "relu_layer.cpp")
  ) { try ReLULayer($0, context: $1) }

  @Sendable private static func gradientReadsBottoms(_ parameter: LayerParameter) -> Bool {
    parameter.reluParam.negativeSlope < 0
  }

  let slope: Float

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    slope = parameter.reluParam.negativeSlope
    let isInPlace = parameter.bottom == parameter.top
    guard slope >= 0 || !isInPlace else {
      throw CaffeError("negative_slope \(slope) needs the bottom kept: give the top another name")
    }
    try super.init(parameter, context: context)
  }

  override var keepsZero: Bool { true }
  /// With a slope of 0 or more, y has the sign of x.
  override var gradientNeedsInput: Bool { slope < 0 }

  override func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ReLUKernel.forward(input, slope: slope, count: count, into: output)
  }

  override func applyGradient(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ReLUKernel.backward(gradient, input: input, slope: slope, count: count, into: inputGradient)
  }
}
