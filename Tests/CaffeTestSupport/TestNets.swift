import CaffeCore
import CaffeLayers
import CaffeNet
import CaffeSchema

/// Nets written as text in a test; errors call the file `test.prototxt`.
public enum TestNet {
  public static func parse(_ text: String) throws -> NetParameter {
    try NetParameter(text: text, file: "test.prototxt")
  }

  public static func plan(_ text: String, phase: Phase = .train) throws -> NetPlan {
    try NetPlan(inPhase(text, phase), context: LayerContext(phase: phase), catalog: .standard)
  }

  public static func make(
    _ text: String, phase: Phase = .train, engine: Engine? = nil, seed: UInt64 = 1,
    sharing: Net? = nil, report: @escaping (String) -> Void = { _ in }
  ) throws -> Net {
    try Net(
      inPhase(text, phase),
      context: LayerContext(phase: phase, engine: engine, seed: seed, report: report),
      sharing: sharing)
  }

  private static func inPhase(_ text: String, _ phase: Phase) throws -> NetParameter {
    var net = try parse(text)
    net.state.phase = phase
    return net
  }
}

extension NetParameter {
  /// The graph in short: `conv: data -> conv`, one line for each layer.
  public var outline: [String] {
    layer.map { layer in
      let weights =
        layer.lossWeight.isEmpty ? "" : " loss_weight \(layer.lossWeight.map { Double($0) })"
      return "\(layer.name): \(layer.bottom.joined(separator: " ")) -> "
        + "\(layer.top.joined(separator: " "))\(weights)"
    }
  }
}
