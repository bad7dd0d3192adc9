import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Adds a constant to each channel, or to whichever axes `axis` and `num_axes` name.
///
/// - Bottoms: x of any shape, and optionally the summands, of the shape of x's axes from `axis` on;
///   top: the shape of x, in place or not.
/// - Learns, with one bottom: the summands, of the shape of axes `axis..<axis + num_axes`.
///
/// Source: BVLC Caffe, `bias_layer.cpp`.
final class BiasLayer: Layer {
  static let kind = LayerKind(
    "Bias", bottoms: .between(1, 2), tops: .exactly(1), runsInPlace: true,
    gradientReadsBottoms: LayerKind.always(false),
    documentation: LayerDocumentation(
      "Adds a constant, learned or from a second bottom, to each channel or other axes",
      formula: "y = x + b", parameterFields: ["bias_param"], source: "bias_layer.cpp")
  ) { try BiasLayer($0, context: $1) }

  private let broadcast: Broadcast
  private let isLearned: Bool
  private var extents = ChannelExtents()

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let bias = parameter.biasParam
    broadcast = try Broadcast(axis: bias.axis, axes: bias.numAxes)
    isLearned = parameter.bottom.count == 1
    try super.init(parameter, context: context)
  }

  override func parameterDeclarations(for bottoms: [Shape]) throws -> [ParameterDeclaration] {
    guard isLearned else { return [] }
    return [
      ParameterDeclaration(
        shape: try broadcast.learnedShape(bottoms[0]), filler: parameter.biasParam.filler)
    ]
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    _ = try extents(for: bottoms)
    return [bottoms[0]]
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool {
    isLearned && broadcast.leavesItems(of: bottoms[0])
  }

  override func reshape() throws {
    extents = try extents(for: bottom.map(\.shape))
    announceTop(in: ChannelOrder(of: bottom[0].data, plain: extents).layout)
  }

  private func extents(for bottoms: [Shape]) throws -> ChannelExtents {
    try broadcast.extents(
      for: bottoms, learned: isLearned ? parameters.first : nil, called: "bias")
  }

  override func forward() throws {
    let order = ChannelOrder(of: bottom[0].data, plain: extents)
    let input = bottom[0].data.read(in: order.layout)
    ChannelKernel.add(
      input, bias: (isLearned ? parameters[0] : bottom[1]).data.read(), over: order.extents,
      into: top[0].data.overwrite(in: order.layout))
  }

  override func backward(propagateDown: [Bool]) throws {
    let order = ChannelOrder(of: top[0].diff, plain: extents)
    let gradient = top[0].diff.read(in: order.layout)
    if isLearned {
      if learns[0] {
        ChannelKernel.addSums(gradient, over: order.extents, into: parameters[0].diff.update())
      }
    } else if propagateDown[1] {
      let target = bottom[1].diff.overwrite()
      Vector.fill(target, with: 0, count: bottom[1].count)
      ChannelKernel.addSums(gradient, over: order.extents, into: target)
    }
    if propagateDown[0] && !isInPlace {
      Vector.copy(
        gradient, count: bottom[0].diff.extent(in: order.layout),
        into: bottom[0].diff.overwrite(in: order.layout))
    }
  }
}
