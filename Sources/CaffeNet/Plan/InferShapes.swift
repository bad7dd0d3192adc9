import CaffeCore
import CaffeErrors
import CaffeSchema

extension NetPlan {
  /// Makes the layers and asks each for the shapes of its tops and its learnable blobs.
  ///
  /// - Throws: what a layer's `init` or shape rules object to, with the layer's place.
  mutating func inferShapes(context: LayerContext) throws {
    for index in layers.indices {
      let planned = layers[index]
      try withPlace(planned.place) {
        let layer = try planned.kind.make(planned.parameter, context)
        let bottoms = planned.bottoms.map { blobs[$0].shape }
        let declarations = try layer.parameterDeclarations(for: bottoms)
        let shapes = try layer.outputShapes(for: bottoms)
        precondition(
          shapes.count == planned.tops.count,
          "\(planned.kind.type) declares \(shapes.count) of \(planned.tops.count) tops")
        for (number, shape) in zip(planned.tops, shapes) { blobs[number].shape = shape }
        layers[index].layer = layer
        layers[index].declarations = declarations
      }
    }
  }
}
