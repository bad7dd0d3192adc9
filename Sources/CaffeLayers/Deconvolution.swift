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
  private var convolution: ReferenceConvolution?

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

  override func multiplyAdds(for bottoms: [Shape]) throws -> Int {
    try settings.transposedGeometry(bottoms[0]).multiplyAdds * bottoms.count
  }

  override func reshape() throws {
    let geometry = try settings.transposedGeometry(bottom[0].shape)
    convolution = try choose(named: settings.engine) {
      throw EngineRefusal("it does not do deconvolution here")
    } caffe: {
      ReferenceConvolution(geometry)
    }
  }

  override func forward() throws {
    guard let convolution else { return }
    for (bottom, top) in zip(bottom, top) {
      let output = top.data.overwrite()
      convolution.backwardData(
        outputGradient: bottom.data.read(), weights: parameters[0].data.read(), into: output)
      if settings.hasBias {
        let geometry = convolution.geometry
        ChannelKernel.add(
          output, bias: parameters[1].data.read(),
          over: ChannelExtents(
            outer: geometry.batch, channels: geometry.inputChannels, inner: geometry.inputSize),
          into: output)
      }
    }
  }

  override func backward(propagateDown: [Bool]) throws {
    guard let convolution else { return }
    let geometry = convolution.geometry
    for (index, (bottom, top)) in zip(bottom, top).enumerated() {
      let gradient = top.diff.read()
      if learns[0] {
        convolution.backwardWeights(
          input: gradient, outputGradient: bottom.data.read(),
          addingTo: parameters[0].diff.update())
      }
      if settings.hasBias && learns[1] {
        ChannelKernel.addSums(
          gradient,
          over: ChannelExtents(
            outer: geometry.batch, channels: geometry.inputChannels, inner: geometry.inputSize),
          into: parameters[1].diff.update())
      }
      if propagateDown[index] {
        convolution.forward(
          input: gradient, weights: parameters[0].data.read(), into: bottom.diff.overwrite())
      }
    }
  }
}
