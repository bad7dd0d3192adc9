import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeLayers
import CaffeNet
import CaffeSchema

/// Compares the backward pass of each layer of a net with finite differences, one layer at a time.
///
/// A layer is checked alone, with its own settings and fillers, on random inputs: at most two items of
/// each bottom and as few rows and columns as the layer takes, labels 0 and 1.
package struct LayerGradients {
  package struct Result {
    package let name: String
    package let type: String
    /// `nil` for a layer that has no backward pass.
    package let report: GradientReport?
    /// The shapes of the bottoms that were tried.
    package let bottoms: [Shape]
  }

  /// The largest error at which a gradient still counts as right.
  package static let tolerance = 1e-2

  package private(set) var results: [Result] = []

  /// How far inputs keep from 0, where most kinks are.
  private static let distance: Float = 0.05

  private let engine: Engine?
  private let samples: Int
  private let seed: UInt64

  /// - Parameters:
  ///   - plan: the net in phase TRAIN.
  ///   - samples: how many elements of each bottom and parameter are compared.
  /// - Throws: a layer that cannot run.
  package init(_ plan: NetPlan, engine: Engine? = nil, samples: Int = 20, seed: UInt64 = 1) throws {
    self.engine = engine
    self.samples = samples
    self.seed = seed
    for layer in plan.layers where !layer.bottoms.isEmpty && !layer.isInsertedSplit {
      let shapes = layer.bottoms.map { plan.blobs[$0].shape }
      try withPlace(layer.place) { results.append(try check(layer, shapes)) }
    }
  }

  package static func isRight(_ report: GradientReport) -> Bool { report.worst <= tolerance }

  private func check(_ layer: PlannedLayer, _ shapes: [Shape]) throws -> Result {
    func result(_ report: GradientReport?, _ bottoms: [Shape]) -> Result {
      Result(name: layer.parameter.name, type: layer.kind.type, report: report, bottoms: bottoms)
    }
    guard !layer.kind.isForwardOnly, !layer.tops.isEmpty else { return result(nil, shapes) }
    let (net, bottoms) = try smallest(layer, shapes)
    var check = GradientCheck()
    check.fixed = Set(layer.kind.labels.map(Self.input))
    check.steps = [1e-2, 1e-3, 2e-4]
    check.samples = samples
    check.seed = seed
    let report = try check.report(on: net)
    return result(report.compared > 0 ? report : nil, bottoms)
  }

  private static func input(_ number: Int) -> String { "bottom \(number)" }

  /// The net of the layer alone on the smallest bottoms that it takes.
  private func smallest(_ layer: PlannedLayer, _ shapes: [Shape]) throws -> (Net, [Shape]) {
    for extent in [6, 14, 32] {
      let small = try shapes.map { shape in
        try Shape(
          shape.dimensions.enumerated().map { axis, dimension in
            axis == 0 ? min(dimension, 2) : axis < 2 ? dimension : min(dimension, extent)
          })
      }
      if let net = try? alone(layer, small) { return (net, small) }
    }
    return (try alone(layer, shapes), shapes)
  }

  private func alone(_ layer: PlannedLayer, _ shapes: [Shape]) throws -> Net {
    var tested = layer.parameter
    tested.bottom = shapes.indices.map(Self.input)
    tested.top = layer.parameter.top.indices.map { "top \($0)" }
    tested.param = []
    tested.propagateDown = []
    tested.include = []
    tested.exclude = []
    var inputs = LayerParameter()
    inputs.name = "inputs"
    inputs.top = tested.bottom
    var net = NetParameter()
    net.forceBackward = true
    net.layer = [GivenShapes.input(inputs, shapes: shapes.map(\.dimensions)), tested]
    let made = try Net(net, context: LayerContext(phase: .train, engine: engine, seed: seed))
    for number in shapes.indices { fill(made, number, isLabel: layer.kind.labels.contains(number)) }
    // Some layers know only now that their bottoms do not go together.
    try made.forward()
    return made
  }

  private func fill(_ net: Net, _ number: Int, isLabel: Bool) {
    guard let blob = net.blob(Self.input(number)) else { return }
    blob.data.values =
      isLabel
      ? (0..<blob.count).map { Float($0 % 2) }
      : RandomStream(seed: seed, name: blob.name).values(blob.count, -1, 1)
        .map { $0 < 0 ? $0 - Self.distance : $0 + Self.distance }
  }
}
