import CaffeCore
import CaffeErrors
import CaffeLayers
import CaffeNet
import CaffeSchema

/// Shapes that a user gives for the tops of data layers, so that a net can be looked at where its data
/// is not.
package struct GivenShapes {
  package let shapes: [String: Shape]

  package init(_ shapes: [String: Shape] = [:]) { self.shapes = shapes }

  /// Reads `data=64,3,224,224` and the like.
  ///
  /// - Throws: what is no name and a list of extents, or a name given twice.
  package init(_ arguments: [String]) throws {
    var shapes: [String: Shape] = [:]
    for argument in arguments {
      let parts = argument.split(separator: "=", maxSplits: 1)
      let extents = parts.count == 2 ? parts[1].split(separator: ",").map { Int($0) } : []
      let dimensions = extents.compactMap { $0 }
      guard !dimensions.isEmpty, dimensions.count == extents.count else {
        throw CaffeError("a shape is written as data=64,3,224,224, got '\(argument)'")
      }
      let name = String(parts[0])
      guard shapes.updateValue(try Shape(dimensions), forKey: name) == nil else {
        throw CaffeError("the shape of '\(name)' is given twice")
      }
    }
    self.shapes = shapes
  }

  /// The net with an `Input` layer in place of every layer without bottoms that makes a named top. Its
  /// other tops are taken for labels: `[n]`.
  ///
  /// - Throws: a name that is no top of a data layer.
  package func applied(to net: NetParameter) throws -> NetParameter {
    let data = net.layer.filter { $0.bottom.isEmpty }
    let tops = data.flatMap(\.top)
    if let stranger = shapes.keys.sorted().first(where: { !tops.contains($0) }) {
      let known = tops.isEmpty ? "" : " (it has: \(Set(tops).sorted().joined(separator: ", ")))"
      throw CaffeError("the net has no data layer with a top '\(stranger)'\(known)")
    }
    var net = net
    net.layer = net.layer.map { standIn(for: $0) ?? $0 }
    return net
  }

  /// - Returns: `nil` for a layer none of whose tops has a given shape.
  func standIn(for layer: LayerParameter) -> LayerParameter? {
    guard layer.bottom.isEmpty, let first = layer.top.compactMap({ shapes[$0] }).first else {
      return nil
    }
    let labels = Array(first.dimensions.prefix(1))
    return Self.input(layer, shapes: layer.top.map { shapes[$0]?.dimensions ?? labels })
  }

  /// An `Input` layer with the name, tops and rules of `layer`.
  static func input(_ layer: LayerParameter, shapes: [[Int]]) -> LayerParameter {
    var input = InputParameter()
    input.shape = shapes.map { dimensions in
      var shape = BlobShape()
      shape.dim = dimensions
      return shape
    }
    var standIn = LayerParameter()
    standIn.location = layer.location
    standIn.name = layer.name
    standIn.type = "Input"
    standIn.top = layer.top
    standIn.include = layer.include
    standIn.exclude = layer.exclude
    if layer.hasPhase { standIn.phase = layer.phase }
    standIn.inputParam = input
    return standIn
  }
}

extension NetPlan {
  /// The plan of a net that is only looked at: nothing takes memory, and data layers whose tops have
  /// given shapes are not made.
  ///
  /// - Throws: the first mistake; for a data layer that cannot be made, with a hint to give shapes.
  package init(looking net: NetParameter, given: GivenShapes, context: LayerContext) throws {
    let net = try given.applied(to: net.inPhase(context.phase))
    do {
      try self.init(net, context: context, catalog: .standard)
    } catch let error as CaffeError {
      throw MissingData.hint(on: error, in: net)
    }
  }
}

extension NetParameter {
  func inPhase(_ phase: Phase) -> NetParameter {
    var net = self
    net.state.phase = phase
    return net
  }
}

/// What to do where a net's data is not there.
enum MissingData {
  /// Whether an error tells of a data source that cannot be read.
  static func isCause(of error: CaffeError) -> Bool {
    error.places.contains { $0.hasSuffix("_param.source") }
  }

  /// Adds to such an error how to do without the data.
  static func hint(on error: CaffeError, in net: NetParameter) -> CaffeError {
    let culprit = net.layer.first { error.places.contains(Layer.place(of: $0)) }
    guard isCause(of: error), let top = culprit?.top.first else { return error }
    return CaffeError("\(error.message); \(advice(top))", places: error.places)
  }

  static func warning(_ error: CaffeError, _ layer: LayerParameter) -> String {
    "\(error); shapes above it are not checked; \(advice(layer.top.first ?? "data"))"
  }

  private static func advice(_ top: String) -> String {
    "to do without the data, give its shape: --shape \(top)=64,3,224,224"
  }
}
