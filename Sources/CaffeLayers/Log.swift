import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// y = log(shift + scale · x) to `base`; the default, −1, stands for e.
///
/// Any shape, in place or not. The logarithm of a negative number is NaN, as everywhere.
///
/// Source: BVLC Caffe, `log_layer.cpp`.
final class LogLayer: ElementwiseLayer {
  static let kind = LayerKind(
    "Log", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    documentation: LayerDocumentation(
      "Logarithm; the base -1 stands for e", formula: "y = log(shift + scale x)",
      parameterFields: ["log_param"], source: "log_layer.cpp")
  ) { try LogLayer($0, context: $1) }

  private let base: Float
  private let scale: Float
  private let shift: Float

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let log = parameter.logParam
    guard log.base == -1 || log.base > 0 && log.base != 1 else {
      throw CaffeError("base must be positive and not 1, or -1 for e, got \(Text.number(log.base))")
    }
    base = log.base
    scale = log.scale
    shift = log.shift
    try super.init(parameter, context: context)
  }

  override var gradientNeedsInput: Bool { true }

  override func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    LogKernel.forward(
      input, base: base, scale: scale, shift: shift, count: count, into: output)
  }

  override func applyGradient(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    LogKernel.backward(
      gradient, input: input, base: base, scale: scale, shift: shift, count: count,
      into: inputGradient)
  }
}
