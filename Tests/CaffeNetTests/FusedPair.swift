import CaffeCore
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// One net twice: as it runs where nobody can look at blobs, fused and with memory that blobs share, and
/// layer by layer.
struct FusedPair {
  let fused: Net
  private let separate: Net

  /// - Parameter text: a net whose inputs are all values of any size.
  init(_ text: String, phase: Phase = .train, choices: SpeedChoices? = nil) throws {
    func net(isFused: Bool) throws -> Net {
      var description = try TestNet.parse(text)
      description.state.phase = phase
      return try Net(
        description,
        context: LayerContext(
          phase: phase, fusesLayers: isFused, choices: choices, reusesMemory: isFused, seed: 3))
    }
    (fused, separate) = (try net(isFused: true), try net(isFused: false))
  }

  /// The layers some of whose passes the layer `host` runs, as `relu1 (backward)`.
  func passes(in host: String) -> Set<String> {
    let hosted = fused.layers.flatMap { layer in
      (layer.fusedInto ?? "").split(separator: ", ")
        .filter { $0.hasPrefix("\(host) (") }
        .map { "\(layer.name) \($0.dropFirst(host.count + 1))" }
    }
    return Set(hosted)
  }

  /// Runs both nets once and compares outputs and, in training, the gradients of parameters.
  ///
  /// - Parameter shapes: of inputs that get another one.
  func expectSame(
    _ shapes: [String: [Int]] = [:], sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    for net in [fused, separate] {
      var random = TestRandom(seed: 4)
      for name in net.inputs {
        let blob = try #require(net.blob(name))
        if let shape = shapes[name] { blob.reshape(try Shape(shape)) }
        blob.data.values = random.spaced(blob.count)
      }
      net.clearGradients()
      try net.forward()
      if net.phase == .train { try net.backward() }
    }
    for (a, b) in zip(fused.outputs, separate.outputs) {
      expectClose(
        a.blob.data.values, b.blob.data.values, "\(a.blob.name) \(shapes)",
        sourceLocation: sourceLocation)
    }
    for (a, b) in zip(fused.parameters, separate.parameters) where fused.phase == .train {
      expectClose(
        a.blob.diff.values, b.blob.diff.values, "gradient of \(a.layer) \(shapes)",
        sourceLocation: sourceLocation)
    }
  }
}

/// As far as float32 rounds sums in another order.
func expectClose(
  _ a: [Float], _ b: [Float], _ name: String,
  sourceLocation: Testing.SourceLocation = #_sourceLocation
) {
  #expect(a.count == b.count, sourceLocation: sourceLocation)
  let scale = b.reduce(1e-2) { max($0, abs($1)) }
  let worst = zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
  #expect(worst <= 2e-5 * scale, "\(name)", sourceLocation: sourceLocation)
}
