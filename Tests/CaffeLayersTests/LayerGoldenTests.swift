import CaffeCore
import CaffeErrors
import CaffeLayers
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Every case of `layers.h5`, the numbers of BVLC Caffe 1.0 (commit 9b89154; CPU, float32, OpenBLAS):
/// a net as text, what goes in, and every blob and gradient that must come out.
@Suite struct LayerGoldenTests {
  /// Sums run in another order than the reference's, over up to some hundreds of terms.
  static let tolerance: Float = 1e-4

  enum Way: String, CaseIterable, Sendable {
    case caffe = "CAFFE"
    case oneDNN = "ONEDNN"
    case notFused = "ONEDNN, not fused"
    /// Convolutions that have them, on transformed tiles of ours.
    case tiles = "tiles"

    fileprivate func context(_ phase: Phase) -> LayerContext {
      LayerContext(
        phase: phase,
        engine: self == .caffe ? .caffe : self == .tiles ? nil : .oneDNN,
        fusesLayers: self != .notFused, choices: self == .tiles ? FixedChoice.tiles : nil,
        folder: Goldens.folder)
    }
  }

  @Test(arguments: Way.allCases)
  func layersAgreeWithCaffe(_ way: Way) throws {
    let file = try GoldenFile("layers.h5")
    var tally = GoldenTally("layers.h5 on \(way.rawValue)")
    var casesOnTiles: [String] = []
    for name in try file.names(in: "") {
      tally.run(name) {
        let golden = try LayerCase(name, in: file, way)
        try golden.run()
        if golden.usesTiles { casesOnTiles.append(name) }
      }
    }
    print(tally.line)
    #expect(tally.isComplete, "\(tally.line)")
    let usual = ["conv_3x3_pad1", "conv_nobias", "conv_two_bottoms"]
    #expect(casesOnTiles == (way == .tiles ? usual : []))
  }
}

private struct LayerCase {
  let name: String
  let file: GoldenFile
  let net: Net

  var usesTiles: Bool {
    net.layers.contains { $0.engine.implementation?.hasPrefix("winograd:") ?? false }
  }

  init(_ name: String, in file: GoldenFile, _ way: LayerGoldenTests.Way) throws {
    self.name = name
    self.file = file
    var description = try NetParameter(text: try file.text("prototxt", of: name), file: name)
    for layer in description.layer where (try? LayerCatalog.standard.kind(layer.type)) == nil {
      throw NotRun("there is no layer type \(layer.type)")
    }
    let phase: Phase = try file.text("phase", of: name) == "TRAIN" ? .train : .test
    description.state.phase = phase
    net = try Net(description, context: way.context(phase))
  }

  func run() throws {
    for blob in try file.names(in: "\(name)/bottom") {
      try tensor(blob).data.values = file.values("\(name)/bottom/\(blob)")
    }
    for array in try file.arrays("\(name)/param") {
      try parameter(array.owner, array.index).data.values = array.values
    }
    net.clearGradients()
    try net.forward()
    for blob in try file.names(in: "\(name)/top") {
      // Ours need not have the splits that the reference inserted.
      if net.blob(blob) == nil && blob.contains("_split_") { continue }
      try check(tensor(blob).data.values, "top/\(blob)")
      let shape = try file.shape("\(name)/top/\(blob)")
      guard try tensor(blob).shape.dimensions == shape else {
        throw Mismatch("top/\(blob) has shape \(try tensor(blob).shape), not \(shape)")
      }
    }
    for array in try file.arrays("\(name)/param_after") {
      try check(
        parameter(array.owner, array.index).data.values, "param_after/\(array.owner)/\(array.index)"
      )
    }
    try runBackward()
  }

  private func runBackward() throws {
    let tops = try file.names(in: "\(name)/top_diff")
    guard !tops.isEmpty else { return }
    for blob in tops {
      try tensor(blob).diff.values = file.values("\(name)/top_diff/\(blob)")
    }
    try net.backward()
    for blob in try file.names(in: "\(name)/bottom_diff") {
      try check(tensor(blob).diff.values, "bottom_diff/\(blob)")
    }
    for array in try file.arrays("\(name)/param_diff") {
      try check(
        parameter(array.owner, array.index).diff.values, "param_diff/\(array.owner)/\(array.index)")
    }
  }

  private func check(_ values: [Float], _ array: String) throws {
    try Closeness.check(
      values, file.values("\(name)/\(array)"), array, tolerance: LayerGoldenTests.tolerance)
  }

  private func tensor(_ name: String) throws -> Blob {
    guard let blob = net.blob(name) else { throw Mismatch("the net has no blob \(name)") }
    return blob
  }

  private func parameter(_ layer: String, _ index: String) throws -> Blob {
    guard let parameters = net.layer(layer)?.parameters, let index = Int(index),
      parameters.indices.contains(index)
    else { throw Mismatch("the net has no parameter \(layer)/\(index)") }
    return parameters[index]
  }
}
