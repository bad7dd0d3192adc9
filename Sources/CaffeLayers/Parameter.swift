import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// A learnable blob as a top: no bottom, its shape is `parameter_param { shape }`.
///
/// Starts as zeros unless weights are loaded. The top is a copy, so what runs in place on it does not
/// change what is learned.
///
/// Source: BVLC Caffe, `parameter_layer.hpp`.
final class ParameterLayer: Layer {
  static let kind = LayerKind(
    "Parameter", bottoms: .exactly(0), tops: .exactly(1),
    documentation: LayerDocumentation(
      "A learnable blob as a top", parameterFields: ["parameter_param"],
      source: "parameter_layer.hpp")
  ) { try ParameterLayer($0, context: $1) }

  private let shape: Shape

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    shape = try withPlace("shape") { try Shape(parameter.parameterParam.shape.dim) }
    try super.init(parameter, context: context)
  }

  override func parameterDeclarations(for bottoms: [Shape]) throws -> [ParameterDeclaration] {
    [ParameterDeclaration(shape: shape, filler: .constant(0))]
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] { [shape] }

  override func forward() throws {
    Vector.copy(parameters[0].data.read(), count: shape.count, into: top[0].data.overwrite())
  }

  override func backward(propagateDown: [Bool]) throws {
    guard learns[0] else { return }
    Vector.addScaled(
      top[0].diff.read(), by: 1, count: shape.count, into: parameters[0].diff.update())
  }
}
