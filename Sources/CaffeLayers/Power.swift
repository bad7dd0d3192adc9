import CaffeCore
import CaffeKernels
import CaffeSchema

/// y = (shift + scale · x)^power. Any shape, in place or not.
///
/// Source: BVLC Caffe, `power_layer.cpp`.
final class PowerLayer: ElementwiseLayer {
  static let kind = LayerKind(
    "Power", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    documentation: LayerDocumentation(
      "Power of a linear function", formula: "y = (shift + scale x)^power",
      parameterFields: ["power_param"], source: "power_layer.cpp")
  ) { try PowerLayer($0, context: $1) }

  private let power: Float
  private let scale: Float
  private let shift: Float

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    power = parameter.powerParam.power
    scale = parameter.powerParam.scale
    shift = parameter.powerParam.shift
    try super.init(parameter, context: context)
  }

  override var keepsZero: Bool { shift == 0 && power > 0 }
  override var gradientNeedsInput: Bool { power != 0 && power != 1 }

  override func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    PowerKernel.forward(
      input, power: power, scale: scale, shift: shift, count: count, into: output)
  }

  override func applyGradient(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    PowerKernel.backward(
      gradient, input: input, power: power, scale: scale, shift: shift, count: count,
      into: inputGradient)
  }
}
