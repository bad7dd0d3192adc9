import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// A layer under test with its bottoms as inputs of a net.
struct LayerTestCase: CustomTestStringConvertible, Sendable {
  /// What tests are named by.
  let testDescription: String
  /// Type and settings: `type: "HingeLoss" hinge_loss_param { norm: L2 }`.
  let settings: String
  let shapes: [[Int]]
  let tops: Int

  init(_ name: String, _ settings: String, _ shapes: [[Int]], tops: Int = 1) {
    testDescription = name
    self.settings = settings
    self.shapes = shapes
    self.tops = tops
  }

  /// Inputs are called `in0`, `in1`, …, tops `out0`, `out1`, ….
  var text: String {
    let inputs = shapes.enumerated().map { index, shape in
      let dims = shape.map { "dim: \($0)" }.joined(separator: " ")
      return
        "layer { name: \"i\(index)\" type: \"Input\" top: \"in\(index)\" input_param { shape { \(dims) } } }"
    }
    let bottoms = shapes.indices.map { "bottom: \"in\($0)\"" }
    let outputs = (0..<tops).map { "top: \"out\($0)\"" }
    return
      (inputs + ["layer { name: \"l\" \(settings)"] + bottoms + outputs + ["}"])
      .joined(separator: " ")
  }

  func net(phase: Phase = .train) throws -> Net {
    var description = try NetParameter(text: "force_backward: true " + text, file: "case")
    description.state.phase = phase
    return try Net(description, context: LayerContext(phase: phase, seed: 3))
  }

  /// The first top for these inputs.
  func output(_ inputs: [[Float]]) throws -> [Float] {
    let net = try net()
    try fill(net, inputs)
    try net.forward()
    return net.blob("out0")?.data.values ?? []
  }

  func fill(_ net: Net, _ inputs: [[Float]]) throws {
    for (index, values) in inputs.enumerated() {
      try #require(net.blob("in\(index)")).data.values = values
    }
  }

  /// Compares gradients with finite differences.
  ///
  /// - Parameter fixed: inputs that get no gradient.
  func expectGradients(
    _ inputs: [[Float]], fixed: Set<Int> = [], engine: Engine? = nil, step: Float = 1e-2,
    tolerance: Double = 2e-3,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let named = Dictionary(
      uniqueKeysWithValues: inputs.enumerated().map { ("in\($0)", $1) })
    let report = try checkGradients(
      text, inputs: named, fixed: Set(fixed.map { "in\($0)" }), engine: engine,
      step: step)
    let inputCount = inputs.enumerated().filter { !fixed.contains($0.offset) }
      .reduce(0) { $0 + $1.element.count }
    let parameterCount = try net().parameters.reduce(0) { $0 + $1.blob.count }
    #expect(report.compared == inputCount + parameterCount, sourceLocation: sourceLocation)
    #expect(report.worst < tolerance, "\(self): \(report)", sourceLocation: sourceLocation)
  }
}

/// A net that cannot be built, and what the error must contain.
struct RefusedLayer: CustomTestStringConvertible, Sendable {
  let layer: LayerTestCase
  let message: String
  var testDescription: String { message }

  init(_ settings: String, _ shapes: [[Int]], tops: Int = 1, _ message: String) {
    layer = LayerTestCase(message, settings, shapes, tops: tops)
    self.message = message
  }

  func expect(sourceLocation: Testing.SourceLocation = #_sourceLocation) {
    expectError(message, sourceLocation: sourceLocation) { _ = try layer.net() }
  }
}

/// Expects a `CaffeError` whose text contains `message`.
func expectError(
  _ message: String, sourceLocation: Testing.SourceLocation = #_sourceLocation,
  _ body: () throws -> Void
) {
  do {
    try body()
    Issue.record("no error; expected \(message)", sourceLocation: sourceLocation)
  } catch {
    #expect("\(error)".contains(message), sourceLocation: sourceLocation)
    #expect(error is CaffeError, sourceLocation: sourceLocation)
  }
}
