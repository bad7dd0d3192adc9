import CaffeCore
import CaffeLayers
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Foundation
import Testing

/// Builds nets around one layer of a type.
struct Trial {
  let type: String
  let subject: ConformanceSubject
  let engine: Engine
  let folder: URL

  /// - Parameter engine: oneDNN stands for the automatic choice: it may decline.
  static func run(_ type: String, _ engine: Engine, _ body: (Trial) throws -> Void) throws {
    let subject = try #require(ConformanceSubject.all[type], "\(type) is missing from the table")
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("conformance-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let image = Goldens.own("data/images/01.png")
    for (name, text) in [
      ("list.txt", Goldens.own("solver/train.h5")), ("images.txt", "\(image) 3\n\(image) 1"),
      ("windows.txt", "# 0\n\(image)\n3 20 20\n2\n1 0.9 0 0 4 4\n0 0.1 1 1 6 6\n"),
    ] {
      try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
    }
    try body(Trial(type: type, subject: subject, engine: engine, folder: folder))
  }

  /// Whether the subject's bottoms have different numbers of items.
  var hasBatchesOfTwoKinds: Bool {
    Set(subject.bottoms.map { $0.shape[subject.batchAxis] }).count > 1
  }

  /// - Parameters:
  ///   - more: by how much the batch is larger than the subject's.
  ///   - bottoms: how many bottoms instead of the subject's.
  ///   - tops: how many tops instead of the subject's.
  func build(
    inPlace: Bool = false, more: Int = 0, bottoms: Int? = nil, tops: Int? = nil,
    phase: Phase = .train
  ) throws -> Run {
    let given = subject.bottoms.indices.map { "in\($0)" }
    let ins = bottoms.map { count in (0..<count).map { "in\($0)" } } ?? given
    var outs = tops.map { count in (0..<count).map { "out\($0)" } } ?? subject.tops
    if inPlace { outs[0] = ins[0] }
    let inputs = (0..<max(ins.count, given.count)).filter { $0 < ins.count }.map { index in
      let shape =
        subject.bottoms.indices.contains(index)
        ? subject.bottoms[index].make(batchAxis: subject.batchAxis, more: more).shape : [2]
      let dims = shape.map { "dim: \($0)" }.joined(separator: " ")
      return
        "layer { name: \"i\(index)\" type: \"Input\" top: \"in\(index)\" input_param { shape { \(dims) } } }"
    }
    let settings = subject.settings.replacingOccurrences(of: "%FOLDER%", with: folder.path)
    let layer =
      "layer { name: \"l\" type: \"\(type)\" \(settings) "
      + ins.map { "bottom: \"\($0)\" " }.joined() + outs.map { "top: \"\($0)\" " }.joined() + "}"
    let text = "force_backward: true " + inputs.joined(separator: " ") + layer
    let net = try Net(
      NetParameter(text: text, file: type),
      context: LayerContext(
        phase: phase, engine: engine == .caffe ? .caffe : nil, seed: 5,
        folder: Goldens.own("data")))
    try fill(net, more: more)
    let index = try #require(net.layers.firstIndex { $0.name == "l" })
    let memory = net.layers[index] as? MemoryDataLayer
    try memory?.reset(data: (0..<24).map(Float.init), labels: [0, 1, 2, 3])
    return Run(net: net, index: index) { try fill(net, more: $0) }
  }

  func fill(_ net: Net, more: Int = 0) throws {
    for (index, bottom) in subject.bottoms.enumerated() {
      let (shape, values) = bottom.make(batchAxis: subject.batchAxis, more: more)
      guard let blob = net.blob("in\(index)") else { continue }
      try blob.reshape(Shape(shape))
      blob.data.values = values
    }
  }
}

/// A net that runs its one layer on poisoned memory.
struct Run {
  let net: Net
  let index: Int
  let refill: (Int) throws -> Void

  var layer: Layer { net.layers[index] }
  var parameterGradients: [[Float]] { layer.parameters.map(\.diff.values) }

  /// Runs pass 0 and returns the bits of the tops.
  @discardableResult
  func forward() throws -> [[UInt32]] {
    try net.seek(toPass: 0)
    for top in layer.top where !layer.bottom.contains(where: { $0.data.shares(top.data) }) {
      top.data.poison()
    }
    try net.forward(layer: index)
    return layer.top.map(\.data.bits)
  }

  /// Runs backward for these bottoms from fixed gradients of the tops and returns the bits of the
  /// bottoms' gradients; those that were not asked for must be as they were.
  func backward(_ propagateDown: [Bool]) throws -> [[UInt32]] {
    for bottom in layer.bottom { bottom.diff.poison() }
    var random = TestRandom(seed: 9)
    for top in layer.top { top.diff.values = random.values(top.count) }
    let before = layer.bottom.map(\.diff.bits)
    try layer.backward(propagateDown: propagateDown)
    for (index, blob) in layer.bottom.enumerated() {
      if propagateDown[index] {
        #expect(!blob.diff.values.contains { $0.isNaN }, "bottom \(index) was not overwritten")
      } else {
        #expect(blob.diff.bits == before[index], "bottom \(index) was not asked for")
      }
    }
    return layer.bottom.map(\.diff.bits)
  }
}

extension Tensor {
  var bits: [UInt32] { values.map(\.bitPattern) }

  func poison() { values = Array(repeating: .nan, count: count) }
}
