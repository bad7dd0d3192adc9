import CaffeCore
import CaffeErrors
import CaffeLayers
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// What the data layers of BVLC Caffe 1.0 (commit 9b89154; OpenCV 4.6) hand to a net, batch by batch.
@Suite struct DataGoldenTests {
  @Test func batchesAgreeWithCaffe() throws {
    let file = try GoldenFile("data/expected.h5")
    var tally = GoldenTally("data/expected.h5")
    for name in try file.names(in: "") {
      tally.run(name) { try compare(name, in: file) }
    }
    print(tally.line)
    #expect(tally.failed.isEmpty, "\(tally.line)")
    #expect(tally.passed > 0)
  }

  private func compare(_ name: String, in file: GoldenFile) throws {
    var description = try NetParameter(text: try file.text("prototxt", of: name), file: name)
    description.state.phase = .test
    for layer in description.layer {
      if (try? LayerCatalog.standard.kind(layer.type)) == nil {
        throw NotRun("there is no layer type \(layer.type)")
      }
    }
    let net = try Net(
      description, context: LayerContext(phase: .test, folder: Goldens.path("data")))
    // Decoding a JPEG and resizing may differ by one grey level, scaled as the case scales.
    let isExact = !description.layer.contains { $0.type == "ImageData" }
    for batch in try file.names(in: "\(name)/data") {
      try net.forward()
      for blob in ["data", "label"] {
        let expected = try file.values("\(name)/\(blob)/\(batch)")
        let actual = net.blob(blob)?.data.values ?? []
        guard actual.count == expected.count else {
          throw Mismatch("\(blob)/\(batch) has another size")
        }
        let worst = zip(actual, expected).map { abs($0 - $1) }.max() ?? .infinity
        guard worst <= (isExact || blob == "label" ? 0 : 1) else {
          throw Mismatch("\(blob)/\(batch) is off by \(worst)")
        }
      }
    }
  }
}
