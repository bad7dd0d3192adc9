import CaffeCore
import CaffeData
import CaffeSchema

/// A data layer as a net has it, its tops at hand.
struct TestLayer {
  let layer: Layer

  /// - Parameter text: the layer without `name`, `type` and `top`.
  init(
    _ kind: LayerKind, _ text: String, tops: [String] = ["data", "label"], phase: Phase = .train,
    seed: UInt64 = 1, folder: String = "", report: @escaping (String) -> Void = { _ in }
  ) throws {
    let named = tops.map { "top: \"\($0)\"" }.joined(separator: " ")
    let net = try NetParameter(
      text: "layer { name: \"d\" type: \"\(kind.type)\" \(named) \(text) }", file: "test.prototxt")
    layer = try kind.make(
      net.layer[0],
      LayerContext(phase: phase, seed: seed, folder: folder, report: report))
    layer.top = try layer.outputShapes(for: []).map { Blob("top", $0) }
  }

  /// The values of each top after a forward pass.
  func forward() throws -> [[Float]] {
    try layer.forward()
    return layer.top.map { $0.data.values }
  }

  /// The next `count` batches.
  func batches(_ count: Int) throws -> [[[Float]]] {
    try (0..<count).map { _ in try forward() }
  }
}

/// Collects the remarks of a layer for the log.
final class Remarks {
  private(set) var all: [String] = []
  func add(_ remark: String) { all.append(remark) }
}
