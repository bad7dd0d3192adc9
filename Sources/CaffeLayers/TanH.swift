import CaffeCore
import CaffeKernels
import CaffeSchema

/// Hyperbolic tangent: y = tanh x. Any shape, in place or not.
///
/// Source: BVLC Caffe, `tanh_layer.cpp`.
final class TanHLayer: Layer {
  static let kind = LayerKind(
    "TanH", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    documentation: LayerDocumentation(
      "Hyperbolic tangent", formula: "y = tanh x", parameterFields: ["tanh_param"],
      source: "tanh_layer.cpp")
  ) { try TanHLayer($0, context: $1) }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] { [bottoms[0]] }

  override func reshape() throws {
    if top[0] !== bottom[0] { top[0].data.announce(bottom[0].data.layout) }
  }

  override func forward() throws {
    let order = bottom[0].data.layout
    let input = bottom[0].data.read(in: order)
    TanHKernel.forward(
      input, count: top[0].data.extent(in: order), into: top[0].data.overwrite(in: order))
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let order = top[0].diff.layout
    let gradient = top[0].diff.read(in: order)
    TanHKernel.backward(
      gradient, output: top[0].data.read(in: order), count: bottom[0].diff.extent(in: order),
      into: bottom[0].diff.overwrite(in: order))
  }
}
