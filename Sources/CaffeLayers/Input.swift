import CaffeCore
import CaffeErrors
import CaffeSchema

/// Blobs that the caller fills: the inputs of a net for use.
///
/// - Tops: one or more; `input_param { shape }` once for all, or once for each. Without a shape a
///   top has none until the caller gives it one.
///
/// Source: BVLC Caffe, `input_layer.cpp`.
final class InputLayer: Layer {
  static let kind = LayerKind(
    "Input", bottoms: .exactly(0), tops: .atLeast(1),
    documentation: LayerDocumentation(
      "Blobs that the caller fills: the inputs of a net for use", parameterFields: ["input_param"],
      source: "input_layer.cpp")
  ) { try InputLayer($0, context: $1) }

  private let shapes: [Shape]

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let given = parameter.inputParam.shape
    let tops = parameter.top.count
    guard given.count <= 1 || given.count == tops else {
      throw CaffeError(
        "Must specify 'shape' once, once per top blob, or not at all: \(tops) tops vs. \(given.count) shapes."
      )
    }
    let shapes = try given.map { try Shape($0.dim) }
    self.shapes = shapes.count == 1 ? Array(repeating: shapes[0], count: tops) : shapes
    try super.init(parameter, context: context)
  }

  /// The shapes the caller gave its blobs last, at first those of the prototxt.
  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    if !top.isEmpty { return top.map(\.shape) }
    return shapes.isEmpty ? parameter.top.map { _ in [0] } : shapes
  }
}
