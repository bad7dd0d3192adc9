import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Slides learned filters over each bottom: the cross-correlation that networks call convolution.
///
/// - Bottoms: one or more `[n, c, spatial…]` of one shape, any number of spatial axes; tops: as many,
///   `[n, num_output, spatial'…]`,
///   `spatial' = floor((spatial + 2·pad − (dilation·(kernel − 1) + 1)) / stride) + 1`.
/// - Learns: filters `[num_output, c / group, kernel…]` and, unless `bias_term: false`, a bias
///   `[num_output]`; all bottoms are convolved with the same filters.
/// In inference a BatchNorm and a Scale in place behind the layer are worked into filters and biases.
///
/// `DepthwiseConvolution` and `ConvolutionDepthwise`, as forks call it, are the case of a `group` for
/// each channel; `group` and a `num_output` equal to the channels may be left out there.
///
/// The default `weight_filler` is constant 0, which trains nothing: name one.
///
/// Source: BVLC Caffe, `base_conv_layer.cpp`, `conv_layer.cpp`.
final class ConvolutionLayer: Layer {
  static let kind = LayerKind(
    "Convolution", bottoms: .atLeast(1), tops: .sameAsBottoms,
    documentation: documentation("Slides learned filters over each bottom")
  ) { try ConvolutionLayer($0, context: $1) }

  /// Under one of the names that forks give it.
  static func depthwiseKind(_ type: String) -> LayerKind {
    LayerKind(
      type, bottoms: .atLeast(1), tops: .sameAsBottoms,
      documentation: documentation("A Convolution with a group for each channel")
    ) { try ConvolutionLayer($0, context: $1, isDepthwise: true) }
  }

  private static func documentation(_ summary: String) -> LayerDocumentation {
    LayerDocumentation(
      summary,
      formula:
        "y = W * x + b, extent' = floor((extent + 2 pad - (dilation (kernel - 1) + 1)) / stride) + 1",
      parameterFields: ["convolution_param"], source: "base_conv_layer.cpp, conv_layer.cpp")
  }

  private let settings: ConvolutionSettings
  /// The top's channels, in plain order.
  private var topChannels = ChannelExtents()
  private var operation: (any ConvolutionOperation)?
  private var folded: FoldedNormalization?
  /// The sum that the operation adds to.
  private var sum: ConvolutionSum?
  /// How the only top is written to its place in that of a Concat.
  private var joined: (operation: any PackedConvolutionOperation, place: JoinedPlace)?
  /// Chosen when the net is set up; other shapes later on keep to it.
  private var variant: ConvolutionVariant?

  init(_ parameter: LayerParameter, context: LayerContext, isDepthwise: Bool = false) throws {
    settings = try ConvolutionSettings(parameter.convolutionParam, isDepthwise: isDepthwise)
    try super.init(parameter, context: context)
  }

  override func parameterDeclarations(for bottoms: [Shape]) throws -> [ParameterDeclaration] {
    let geometry = try settings.geometry(bottoms[0])
    return try settings.declarations(
      geometry, topChannels: geometry.outputChannels, parameter.convolutionParam)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let geometry = try settings.geometry(bottoms[0])
    return try settings.topShapes(
      for: bottoms, geometry: geometry, channels: geometry.outputChannels, extents: geometry.output,
      weights: parameters.first)
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool {
    bottoms[0].isInner(settings.axis)
  }

  override func multiplyAdds(for bottoms: [Shape]) throws -> Int {
    try settings.geometry(bottoms[0]).multiplyAdds.clampedProduct(bottoms.count)
  }

  override func reshape() throws {
    let geometry = try settings.geometry(bottom[0].shape)
    topChannels = ChannelExtents(
      outer: geometry.batch, channels: geometry.outputChannels, inner: geometry.outputSize)
    let gradients = wantedGradients
    takeWeightsBack(from: operation, into: folded?.filters)
    folded = gradients.isEmpty ? try foldingNormalization() : nil
    (sum, joined) = (nil, nil)
    operation = try choose(named: settings.engine) {
      let operation = try fusingNeighbours {
        try fastestOperation(geometry, fused: $0, gradients: gradients)
      }
      for blob in top { blob.data.announce(operation.outputOrder) }
      engine.implementation = operation.implementation
      return operation
    } caffe: {
      CaffeConvolutionOperation(geometry, precision: context.precision)
    }
    if operation is WinogradConvolutionOperation { engine.engine = .caffe }
  }

  private func fastestOperation(
    _ geometry: ConvolutionGeometry, fused: FusedStep, gradients: WeightedGradients
  ) throws -> any PackedConvolutionOperation {
    let request = ConvolutionRequest(
      geometry: geometry, hasBias: settings.hasBias || folded != nil, precision: context.precision,
      rounded: roundedResults, fused: fused, gradients: gradients, bottom: bottom[0].data.layout,
      isOneDNNWanted: isOneDNNWanted(settings.engine))
    let variant = try self.variant ?? .fastest(context.choices, for: request)
    self.variant = variant
    do {
      return try variant.operation(for: request, scratchpad: context.scratchpad)
    } catch is EngineRefusal {
      return try ConvolutionVariant.ruled.operation(for: request, scratchpad: context.scratchpad)
    }
  }

  /// The top where nobody but a BatchNorm can see it, which takes it so; the gradient of what comes so.
  private var roundedResults: RoundedResults {
    guard context.precision == .bfloat16 else { return [] }
    var rounded: RoundedResults = []
    if context.reusesMemory, folded == nil, followers.first is BatchNormLayer {
      rounded.insert(.output)
    }
    if bottom[0].data.isRounded { rounded.insert(.inputGradient) }
    return rounded
  }

  /// Takes a BatchNorm and a Scale behind this layer along, if they are there.
  private func foldingNormalization() throws -> FoldedNormalization? {
    let kept = parameters[0].data.isGone ? folded : nil
    guard try bottom[0].shape.axis(settings.axis) == 1,
      let folded = try kept ?? FoldedNormalization(behind: self)
    else { return nil }
    for layer in folded.layers { fuse(.forward, of: layer) }
    return folded
  }

  /// Makes an operation that applies the ReLU behind this layer too, or adds to the sum above it, if there
  /// is one and the code can. The ReLU's gradient remains a pass of its own.
  private func fusingNeighbours(
    _ make: (FusedStep) throws -> any PackedConvolutionOperation
  ) throws -> any PackedConvolutionOperation {
    guard let behind = followers.dropFirst(folded?.layers.count ?? 0).first else {
      return try fusingSum(make(.nothing), make)
    }
    guard let relu = behind as? ReLULayer else { return try make(.nothing) }
    do {
      let operation = try make(.relu(slope: relu.slope))
      fuse(.forward, of: relu)
      return operation
    } catch is EngineRefusal {
      return try make(.nothing)
    }
  }

  /// The same code, adding to the sum above this layer; `separate` where that cannot be.
  private func fusingSum(
    _ separate: any PackedConvolutionOperation,
    _ make: (FusedStep) throws -> any PackedConvolutionOperation
  ) throws -> any PackedConvolutionOperation {
    guard let onlyReader, let sum = ConvolutionSum(above: self) else { return separate }
    do {
      let adding = try make(sum.step)
      guard adding.implementation == separate.implementation else { return separate }
      self.sum = sum
      fuse(.forward, of: onlyReader)
      return adding
    } catch is EngineRefusal {
      return separate
    }
  }

  /// Makes ready to write the top to its place in that of a Concat instead, which begins with a call of
  /// the result and ends when this layer is prepared again.
  ///
  /// - Throws: `EngineRefusal` if the operation cannot, or only slowly.
  func joining(_ place: JoinedPlace) throws -> () -> Void {
    guard let operation = operation as? any PackedConvolutionOperation, sum == nil,
      bottom.count == 1, operation.outputOrder.isEqual(to: place.layout)
    else { throw EngineRefusal("'\(name)' does not write in that order") }
    let joining = try operation.joining()
    return { self.joined = (joining, place) }
  }

  override func forward() throws {
    var (weights, bias) = (parameters[0].data, settings.hasBias ? parameters[1].data : nil)
    if let folded { (weights, bias) = folded.fold(filters: weights, biases: bias) }
    if let joined {
      top[0].data.announce(joined.place.layout)
      joined.operation.forward(bottom[0].data, weights: weights, bias: bias, into: joined.place)
    } else {
      for (bottom, top) in zip(bottom, top) {
        operation?.forward(
          bottom.data, weights: weights, bias: bias, into: sum?.begin() ?? top.data)
      }
    }
    letWeightsGo()
  }

  /// Gives up values that will not be read again: folded filters of which the operation has a copy; and,
  /// where nobody else needs them, the learned ones, if they can be had back or are folded into others.
  private func letWeightsGo() {
    guard let operation else { return }
    let mayComeBack = operation.givesWeightsBack
    if let folded, operation.keepsWeights, mayComeBack || !mayLetParametersGo {
      folded.filters.letGo()
    }
    let weights = parameters[0].data
    if mayLetParametersGo, !weights.isGone, folded != nil || mayComeBack { weights.letGo() }
  }

  override func backward(propagateDown: [Bool]) throws {
    let biasGradient = settings.hasBias && learns[1] ? parameters[1].diff : nil
    for (index, (bottom, top)) in zip(bottom, top).enumerated() {
      if learns[0] {
        operation?.backwardWeights(
          bottom.data, outputGradient: top.diff, addingTo: parameters[0].diff, bias: biasGradient)
      } else if let biasGradient {
        ChannelOrder.addSums(of: top.diff, plain: topChannels, to: biasGradient)
      }
      if propagateDown[index] {
        operation?.backwardData(top.diff, weights: parameters[0].data, into: bottom.diff)
      }
    }
  }
}
