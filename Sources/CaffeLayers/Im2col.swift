import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Lays out the windows of a convolution side by side, as the CAFFE engine does before it multiplies.
///
/// - Bottom: `[n, c, spatial…]`; top: `[n, c · ∏kernel, spatial'…]` with the extents of a Convolution;
///   `convolution_param` as there, but for `num_output`, `group` and the fillers, which are not read.
///
/// Source: BVLC Caffe, `im2col_layer.cpp`.
final class Im2colLayer: Layer {
  static let kind = LayerKind(
    "Im2col", bottoms: .exactly(1), tops: .exactly(1),
    documentation: LayerDocumentation(
      "Lays out the windows of a convolution side by side", parameterFields: ["convolution_param"],
      source: "im2col_layer.cpp")
  ) { try Im2colLayer($0, context: $1) }

  private let settings: ConvolutionSettings

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    settings = try ConvolutionSettings(parameter.convolutionParam, needsOutputs: false)
    try super.init(parameter, context: context)
  }

  private func geometry(_ bottom: Shape) throws -> ConvolutionGeometry {
    try settings.geometry(bottom, outputs: 1, groups: 1)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let geometry = try geometry(bottoms[0])
    let channelAxis = try bottoms[0].axis(settings.axis)
    return [
      try Shape(
        bottoms[0].dimensions[..<channelAxis] + [geometry.inputChannels * geometry.taps]
          + geometry.output)
    ]
  }

  override func forward() throws {
    let geometry = try geometry(bottom[0].shape)
    Unfolding(geometry).unfoldEach(
      bottom[0].data.read(), images: geometry.batch, into: top[0].data.overwrite())
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let geometry = try geometry(bottom[0].shape)
    Unfolding(geometry).foldEach(
      top[0].diff.read(), images: geometry.batch, into: bottom[0].diff.overwrite())
  }
}
