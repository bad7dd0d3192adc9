import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Rectified linear unit: y = max(x, 0) + negative_slope · min(x, 0).
///
/// Any shape, in place or not. Runs in whatever order the bottom's values are in.
///
/// Source: BVLC Caffe, `relu_layer.cpp`.
final class ReLULayer: Layer {
  static let kind = LayerKind(
    "ReLU", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    documentation: LayerDocumentation(
      "Rectified linear unit", formula: "y = max(x, 0) + negative_slope min(x, 0)",
      parameterFields: ["relu_param"], source: "relu_layer.cpp")
  ) { try ReLULayer($0, context: $1) }

  private let slope: Float

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    slope = parameter.reluParam.negativeSlope
    let isInPlace = parameter.bottom == parameter.top
    guard slope >= 0 || !isInPlace else {
      throw CaffeError("negative_slope \(slope) needs the bottom kept: give the top another name")
    }
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] { [bottoms[0]] }

  override func reshape() throws {
    if top[0] !== bottom[0] { top[0].data.announce(bottom[0].data.layout) }
  }

  override func forward() throws {
    let order = bottom[0].data.layout
    let input = bottom[0].data.read(in: order)
    ReLUKernel.forward(
      input, slope: slope, count: top[0].data.extent(in: order),
      into: top[0].data.overwrite(in: order))
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let order = top[0].diff.layout
    let gradient = top[0].diff.read(in: order)
    ReLUKernel.backward(
      gradient, input: bottom[0].data.read(in: order), slope: slope,
      count: bottom[0].diff.extent(in: order), into: bottom[0].diff.overwrite(in: order))
  }
}
