import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// The transpose of a convolution: each value of the bottom adds a filter, weighted by it, to the top.
///
/// - Bottoms: one or more `[n, c, spatial…]` of one shape; tops: as many, `[n, num_output, spatial'…]`,
///   `spatial' = stride·(spatial − 1) + dilation·(kernel − 1) + 1 − 2·pad`.
/// - Learns: filters `[c, num_output / group, kernel…]` and, unless `bias_term: false`, a bias
///   `[num_output]`; all bottoms go through the same filters.
///
/// With `group` and `num_output` the number of channels, a `bilinear` filler and `lr_mult: 0` it
/// enlarges images.
///
/// Source: BVLC Caffe, `base_conv_layer.cpp`, `deconv_layer.cpp`.
final class DeconvolutionLayer: Layer {
  static let kind = LayerKind(
    "Deconvolution", bottoms: .atLeast(1), tops: .sameAsBottoms,
    documentation: LayerDocumentation(
      "The transpose of a convolution: each value adds a filter, weighted by it, to the top",
      formula: "extent' = stride (extent - 1) + dilation (kernel - 1) + 1 - 2 pad",
      parameterFields: ["convolution_param"], source: "base_conv_layer.cpp, deconv_layer.cpp")
  ) { try DeconvolutionLayer($0, context: $1) }

  private let settings: ConvolutionSettings
  /// The convolution from top to bottom.
  private var operation: (any ConvolutionOperation)?
  private var plain = ChannelExtents()

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    settings = try ConvolutionSettings(parameter.convolutionParam)
    try super.init(parameter, context: context)
  }

  override func parameterDeclarations(for bottoms: [Shape]) throws -> [ParameterDeclaration] {
    let geometry = try settings.transposedGeometry(bottoms[0])
    return try settings.declarations(
      geometry, topChannels: geometry.inputChannels, parameter.convolutionParam)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let geometry = try settings.transposedGeometry(bottoms[0])
    return try settings.topShapes(
      for: bottoms, geometry: geometry, channels: geometry.inputChannels, extents: geometry.input,
      weights: parameters.first)
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool {
    bottoms[0].isInner(settings.axis)
  }

  override func multiplyAdds(for bottoms: [Shape]) throws -> Int {
    try settings.transposedGeometry(bottoms[0]).multiplyAdds.clampedProduct(bottoms.count)
  }

  /// The convolution is run the other way round: its input is the top, its output the bottom.
  override func reshape() throws {
    let geometry = try settings.transposedGeometry(bottom[0].shape)
    plain = ChannelExtents(
      outer: geometry.batch, channels: geometry.inputChannels, inner: geometry.inputSize)
    operation = try choose(named: settings.engine) {
      let operation = try OneDNNConvolutionOperation(
        geometry, hasBias: false, precision: context.precision, fused: .nothing,
        gradients: learns[0] ? [.input, .weights] : .input, bottom: nil,
        scratchpad: context.scratchpad)
      for blob in top { blob.data.announce(operation.inputGradientOrder) }
      engine.implementation = operation.gradientImplementation
      return operation
    } caffe: {
      CaffeConvolutionOperation(geometry, precision: context.precision)
    }
  }

  override func forward() throws {
    for (bottom, top) in zip(bottom, top) {
      operation?.backwardData(bottom.data, weights: parameters[0].data, into: top.data)
      guard settings.hasBias else { continue }
      let order = ChannelOrder(of: top.data, plain: plain)
      let output = top.data.update(in: order.layout)
      ChannelKernel.add(
        output, bias: parameters[1].data.read(), over: order.extents, into: output)
    }
  }

  override func backward(propagateDown: [Bool]) throws {
    for (index, (bottom, top)) in zip(bottom, top).enumerated() {
      if learns[0] {
        operation?.backwardWeights(
          top.diff, outputGradient: bottom.data, addingTo: parameters[0].diff, bias: nil)
      }
      if settings.hasBias && learns[1] {
        ChannelOrder.addSums(of: top.diff, plain: plain, to: parameters[1].diff)
      }
      if propagateDown[index] {
        operation?.forward(top.diff, weights: parameters[0].data, bias: nil, into: bottom.diff)
      }
    }
  }
}
