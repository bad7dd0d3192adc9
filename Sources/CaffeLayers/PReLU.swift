import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// ReLU with a learned slope for each channel (He et al. 2015): y = max(x, 0) + slope · min(x, 0).
///
/// - Bottom: `[n, c, …]`; top: the same, in place or not.
/// - Learns: slopes `[c]`, or with `channel_shared` one scalar; 0.25 unless `filler` says otherwise.
///
/// Source: BVLC Caffe, `prelu_layer.cpp`.
final class PReLULayer: Layer {
  static let kind = LayerKind(
    "PReLU", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    documentation: LayerDocumentation(
      "ReLU with a learned slope for each channel", formula: "y = max(x, 0) + slope min(x, 0)",
      parameterFields: ["prelu_param"], source: "prelu_layer.cpp")
  ) { try PReLULayer($0, context: $1) }

  private let isShared: Bool
  private var extents = ChannelExtents()
  private var kept = KeptInput()

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    isShared = parameter.preluParam.channelShared
    try super.init(parameter, context: context)
  }

  override func parameterDeclarations(for bottoms: [Shape]) throws -> [ParameterDeclaration] {
    let prelu = parameter.preluParam
    return [
      ParameterDeclaration(
        shape: try slopeShape(for: bottoms[0]),
        filler: prelu.hasFiller ? prelu.filler : .constant(0.25))
    ]
  }

  private func slopeShape(for bottom: Shape) throws -> Shape {
    guard bottom.axes >= 2 else {
      throw CaffeError("the bottom must have at least 2 axes, [n, c, …], got \(bottom)")
    }
    return isShared ? [] : try Shape([bottom[1]])
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let slopes = try slopeShape(for: bottoms[0])
    if let learned = parameters.first, learned.count != slopes.count {
      throw CaffeError(
        "there are \(learned.count) slopes, the bottom now has \(slopes.count) channels")
    }
    return bottoms
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool { true }

  override func reshape() throws {
    let shape = bottom[0].shape
    extents =
      isShared
      ? ChannelExtents(inner: shape.count)
      : ChannelExtents(outer: shape[0], channels: shape[1], inner: shape.count(from: 2))
    kept.prepare(for: self, isNeeded: learns[0] || propagateDown[0])
  }

  override func forward() throws {
    let input = kept.take(bottom[0].data).read()
    PReLUKernel.forward(
      input, slope: parameters[0].data.read(), outer: extents.outer, channels: extents.channels,
      inner: extents.inner, into: top[0].data.overwrite())
  }

  override func backward(propagateDown: [Bool]) throws {
    defer { kept.release() }
    let gradient = top[0].diff.read()
    let input = kept.values(of: bottom[0].data).read()
    if learns[0] {
      PReLUKernel.backwardSlope(
        gradient, input: input, outer: extents.outer, channels: extents.channels,
        inner: extents.inner, addingTo: parameters[0].diff.update())
    }
    if propagateDown[0] {
      PReLUKernel.backward(
        gradient, input: input, slope: parameters[0].data.read(), outer: extents.outer,
        channels: extents.channels, inner: extents.inner, into: bottom[0].diff.overwrite())
    }
  }
}
