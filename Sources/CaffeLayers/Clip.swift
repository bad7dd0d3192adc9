import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Holds values within limits: y = x, but at least `min` and at most `max`.
///
/// Any shape, in place or not. The gradient passes where min ≤ x ≤ max.
///
/// Source: BVLC Caffe, `clip_layer.cpp`.
final class ClipLayer: ElementwiseLayer {
  static let kind = LayerKind(
    "Clip", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    documentation: LayerDocumentation(
      "Holds values within limits", formula: "y = min(max(x, min), max)",
      parameterFields: ["clip_param"], source: "clip_layer.cpp")
  ) { try ClipLayer($0, context: $1) }

  private let minimum: Float
  private let maximum: Float

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let clip = parameter.clipParam
    guard clip.hasMin, clip.hasMax else { throw CaffeError("clip_param needs min and max") }
    guard clip.min <= clip.max else {
      throw CaffeError(
        "min must be at most max, got min \(Text.number(clip.min)) and max \(Text.number(clip.max))"
      )
    }
    minimum = clip.min
    maximum = clip.max
    try super.init(parameter, context: context)
  }

  override var keepsZero: Bool { minimum <= 0 && maximum >= 0 }
  override var gradientNeedsInput: Bool { true }

  override func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ClipKernel.forward(
      input, minimum: minimum, maximum: maximum, count: count, into: output)
  }

  override func applyGradient(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ClipKernel.backward(
      gradient, input: input, minimum: minimum, maximum: maximum, count: count,
      into: inputGradient)
  }
}
