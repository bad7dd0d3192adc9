import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Multiplies each channel, or whichever axes `axis` and `num_axes` name, by a factor; with
/// `bias_term`, then adds a constant.
///
/// - Bottoms: x of any shape, and optionally the factors, of the shape of x's axes from `axis` on;
///   top: the shape of x, in place or not.
/// - Learns: with one bottom the factors, of the shape of axes `axis..<axis + num_axes` (filled with
///   1 unless `filler` says otherwise); with `bias_term`, summands of the factors' shape.
///
/// Source: BVLC Caffe, `scale_layer.cpp`.
final class ScaleLayer: Layer {
  static let kind = LayerKind(
    "Scale", bottoms: .between(1, 2), tops: .exactly(1), runsInPlace: true,
    documentation: LayerDocumentation(
      "Multiplies each channel or other axes by a factor, learned or from a second bottom",
      formula: "y = x scale + bias", parameterFields: ["scale_param"], source: "scale_layer.cpp")
  ) { try ScaleLayer($0, context: $1) }

  private let broadcast: Broadcast
  private let isLearned: Bool
  /// Which parameter is the bias, if there is one.
  private let biasIndex: Int?
  private var extents = ChannelExtents()
  private var kept = KeptInput()

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let scale = parameter.scaleParam
    broadcast = try Broadcast(axis: scale.axis, axes: scale.numAxes)
    isLearned = parameter.bottom.count == 1
    biasIndex = scale.biasTerm ? (isLearned ? 1 : 0) : nil
    try super.init(parameter, context: context)
  }

  override func parameterDeclarations(for bottoms: [Shape]) throws -> [ParameterDeclaration] {
    let scale = parameter.scaleParam
    let shape = isLearned ? try broadcast.learnedShape(bottoms[0]) : bottoms[1]
    var declarations: [ParameterDeclaration] = []
    if isLearned {
      let filler = scale.hasFiller ? scale.filler : .constant(1)
      declarations.append(ParameterDeclaration(shape: shape, filler: filler))
    }
    if biasIndex != nil {
      declarations.append(ParameterDeclaration(shape: shape, filler: scale.biasFiller))
    }
    return declarations
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
    kept.prepare(for: self, isNeeded: needsFactorGradient)
    announceTop(in: ChannelOrder(of: bottom[0].data, plain: extents).layout)
  }

  private func extents(for bottoms: [Shape]) throws -> ChannelExtents {
    let extents = try broadcast.extents(
      for: bottoms, learned: isLearned ? parameters.first : nil, called: "scale")
    if let biasIndex, parameters.indices.contains(biasIndex),
      parameters[biasIndex].count != extents.channels
    {
      throw CaffeError(
        "the bias was made for shape \(parameters[biasIndex].shape), the second bottom now has \(bottoms[1])"
      )
    }
    return extents
  }

  /// The learned factors, and summands if there are any, of a layer with one for each of the
  /// channels that lie as in `extents`; `nil` if the layer does anything else.
  func learnedFactors(perChannelOf extents: ChannelExtents, _ shape: Shape) throws -> Factors? {
    guard isLearned, try self.extents(for: [shape]) == extents else { return nil }
    return Factors(
      scale: parameters[0], shift: biasIndex.map { parameters[$0] }, learnsScale: learns[0],
      learnsShift: biasIndex.map { learns[$0] } ?? false)
  }

  /// The learnable blobs of a layer with one factor for each channel.
  struct Factors {
    let scale: Blob
    let shift: Blob?
    fileprivate let learnsScale: Bool
    fileprivate let learnsShift: Bool

    var learns: Bool { learnsScale || learnsShift }
    var tensors: [Tensor] { [scale.data] + (shift.map { [$0.data] } ?? []) }
    /// Where the gradients are to be added, if they are wanted.
    var scaleGradient: UnsafeMutablePointer<Float>? { learnsScale ? scale.diff.update() : nil }
    var shiftGradient: UnsafeMutablePointer<Float>? { learnsShift ? shift?.diff.update() : nil }
  }

  private var needsFactorGradient: Bool { isLearned ? learns[0] : propagateDown[1] }
  private var factors: Blob { isLearned ? parameters[0] : bottom[1] }

  override func forward() throws {
    let order = ChannelOrder(of: bottom[0].data, plain: extents)
    let input = kept.take(bottom[0].data).read(in: order.layout)
    ChannelKernel.scale(
      input, by: factors.data.read(), bias: biasIndex.map { parameters[$0].data.read() },
      over: order.extents, into: top[0].data.overwrite(in: order.layout))
  }

  override func backward(propagateDown: [Bool]) throws {
    defer { kept.release() }
    let order = ChannelOrder(of: top[0].diff, plain: extents)
    let gradient = top[0].diff.read(in: order.layout)
    if let biasIndex, learns[biasIndex] {
      ChannelKernel.addSums(
        gradient, over: order.extents, into: parameters[biasIndex].diff.update())
    }
    if needsFactorGradient { backwardFactors(gradient, in: order) }
    if propagateDown[0] {
      ChannelKernel.scale(
        gradient, by: factors.data.read(), over: order.extents,
        into: bottom[0].diff.overwrite(in: order.layout))
    }
  }

  private func backwardFactors(_ gradient: UnsafePointer<Float>, in order: ChannelOrder) {
    let input = kept.values(of: bottom[0].data).read(in: order.layout)
    let target = factors.diff.update()
    if !isLearned { Vector.fill(target, with: 0, count: bottom[1].count) }
    ChannelKernel.addDots(gradient, input, over: order.extents, into: target)
  }
}

extension FillerParameter {
  /// A filler that sets every value to `value`.
  static func constant(_ value: Float) -> FillerParameter {
    var filler = FillerParameter()
    filler.value = value
    return filler
  }
}
