import CaffeCore
import CaffeKernels
import CaffeSchema

/// y = 1 where x > threshold, else 0. Any shape, in place or not; there is no gradient.
///
/// Source: BVLC Caffe, `threshold_layer.cpp`.
final class ThresholdLayer: ElementwiseLayer {
  static let kind = LayerKind(
    "Threshold", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true, isForwardOnly: true,
    documentation: LayerDocumentation(
      "Tells which values are above a threshold", formula: "y = 1 where x > threshold, else 0",
      parameterFields: ["threshold_param"], source: "threshold_layer.cpp")
  ) { try ThresholdLayer($0, context: $1) }

  private let threshold: Float

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    threshold = parameter.thresholdParam.threshold
    try super.init(parameter, context: context)
  }

  override var keepsZero: Bool { threshold >= 0 }

  override func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ThresholdKernel.forward(input, threshold: threshold, count: count, into: output)
  }
}
