import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Dropout (Srivastava et al. 2014): in training, y = x · mask / (1 − dropout_ratio), where the mask
/// keeps each value with probability 1 − dropout_ratio; in testing, y = x.
///
/// Any shape, in place or not. The mask depends on seed, layer name and pass alone.
///
/// Source: BVLC Caffe, `dropout_layer.cpp`.
final class DropoutLayer: Layer {
  static let kind = LayerKind(
    "Dropout", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    keepsSign: true, topMemory: .viewOfOnlyBottom,
    gradientReadsBottoms: LayerKind.always(false),
    documentation: LayerDocumentation(
      "Sets a random share of values to 0 in training and passes all in testing",
      formula: "y = x mask / (1 - dropout_ratio)", parameterFields: ["dropout_param"],
      source: "dropout_layer.cpp")
  ) { try DropoutLayer($0, context: $1) }

  private let ratio: Float
  private let random: RandomStream
  private var mask: [UInt8] = []

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    ratio = parameter.dropoutParam.dropoutRatio
    guard (0..<1).contains(ratio) else {
      throw CaffeError("dropout_ratio must be in 0..<1, got \(Text.number(ratio))")
    }
    random = RandomStream(seed: context.seed, name: parameter.name)
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] { [bottoms[0]] }

  private var isActive: Bool { phase == .train && ratio > 0 }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool { !isActive }

  override func reshape() throws {
    mask = isActive ? Array(repeating: 0, count: bottom[0].count) : []
    if !isActive && top[0] !== bottom[0] { top[0].data.share(bottom[0].data) }
  }

  override func forward() throws {
    guard isActive else { return }
    let input = bottom[0].data.read()
    DropoutKernel.forward(
      input, ratio: ratio, stream: random, pass: context.clock.pass, count: mask.count,
      mask: &mask, into: top[0].data.overwrite())
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let gradient = top[0].diff.read()
    let target = bottom[0].diff.overwrite()
    if isActive {
      DropoutKernel.backward(
        gradient, ratio: ratio, mask: mask, count: mask.count, into: target)
    } else if UnsafePointer(target) != gradient {
      Vector.copy(gradient, count: bottom[0].count, into: target)
    }
  }
}
