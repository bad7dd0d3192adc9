import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeSchema

/// What a net is made of, layer by layer, without running it.
package struct NetSummary: Encodable {
  package struct Top: Encodable {
    package let name: String
    package let shape: [Int]
    /// Bytes of its values; 0 where it uses its bottom's memory.
    package let memory: Int
  }

  package struct Layer: Encodable {
    package let name: String
    package let type: String
    package let bottoms: [String]
    package let tops: [Top]
    /// Learnable values, those shared with a layer before left out.
    package let parameters: Int
    /// Multiplications by a learned weight, each with an addition, in one forward pass of the batch.
    package let multiplyAdds: Int
  }

  package struct Totals: Encodable {
    package let parameters: Int
    /// Those that the solver leaves alone: `lr_mult: 0`, statistics.
    package let fixedParameters: Int
    package let multiplyAdds: Int
    /// Bytes of all blobs' values.
    package let blobMemory: Int
    /// Bytes of all parameters' values.
    package let parameterMemory: Int
  }

  package let name: String
  package let phase: String
  /// As the prototxt has them; splits that the net inserts are left out.
  package let layers: [Layer]
  package let totals: Totals

  package init(_ plan: NetPlan) throws {
    name = plan.parameter.name
    phase = plan.parameter.state.phase.protoName
    let all = try plan.layers.indices.map { try Layer(plan, $0) }
    layers = zip(plan.layers, all).filter { !$0.0.isInsertedSplit }.map(\.1)
    let counts = plan.parameters.map { (of: $0, count: $0.declaration.shape.count) }
    let parameters = counts.reduce(0) { $0 + $1.count }
    totals = Totals(
      parameters: parameters,
      fixedParameters: counts.filter { $0.of.learningRateMultiplier == 0 }.reduce(0) {
        $0 + $1.count
      },
      multiplyAdds: all.reduce(0) { $0.clampedSum($1.multiplyAdds) },
      blobMemory: all.flatMap(\.tops).reduce(0) { $0 + $1.memory },
      parameterMemory: parameters * MemoryLayout<Float>.size)
  }
}

extension NetSummary.Layer {
  fileprivate init(_ plan: NetPlan, _ index: Int) throws {
    let planned = plan.layers[index]
    name = planned.parameter.name
    type = planned.parameter.type
    bottoms = planned.parameter.bottom
    tops = zip(planned.parameter.top, planned.tops).map { name, number in
      let shape = plan.blobs[number].shape
      let memory = planned.ownsMemory(of: number) ? shape.count * MemoryLayout<Float>.size : 0
      return NetSummary.Top(name: name, shape: shape.dimensions, memory: memory)
    }
    parameters = planned.parameters
      .filter { plan.parameters[$0].owner.layer == index }
      .reduce(0) { $0 + plan.parameters[$1].declaration.shape.count }
    let shapes = planned.bottoms.map { plan.blobs[$0].shape }
    multiplyAdds = try planned.layer?.multiplyAdds(for: shapes) ?? 0
  }
}

extension PlannedLayer {
  /// A `Split` that no prototxt has: it carries no place in a file, and its name is made up.
  package var isInsertedSplit: Bool { parameter.type == "Split" && parameter.location == nil }

  /// Whether the layer's top is neither its bottom (in place) nor a view of it.
  fileprivate func ownsMemory(of top: Int) -> Bool {
    !bottoms.contains(top) && !isView
  }
}
