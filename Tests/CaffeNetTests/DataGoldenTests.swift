import CaffeCore
import CaffeData
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
    #expect(tally.isComplete, "\(tally.line)")
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
    let tolerance = try description.layer.map(greyLevel).max() ?? 0
    for batch in try file.names(in: "\(name)/data") {
      try net.forward()
      for blob in ["data", "label"] {
        let expected = try file.values("\(name)/\(blob)/\(batch)")
        let actual = net.blob(blob)?.data.values ?? []
        guard actual.count == expected.count else {
          throw Mismatch("\(blob)/\(batch) has another size")
        }
        let worst = zip(actual, expected).map { abs($0 - $1) }.max() ?? .infinity
        guard worst <= (blob == "label" ? 0 : tolerance) else {
          throw Mismatch("\(blob)/\(batch) is off by \(worst)")
        }
      }
    }
  }

  /// What one grey level becomes where a JPEG is decoded or an image resized, else 0: raw pixels and
  /// PNG must agree to the last bit.
  private func greyLevel(_ layer: LayerParameter) throws -> Float {
    let isImage = layer.type == "ImageData"
    let isDatabase = layer.type == "Data" && layer.dataParam.backend == .lmdb
    let scale = abs(layer.transformParam.scale)
    guard isDatabase else { return isImage ? scale : 0 }
    let database = try LMDBDatabase(Goldens.path("data/" + layer.dataParam.source))
    let isJPEG = try database.makeCursor().next { record in
      let datum = try DatumRecord(binary: record.value)
      return datum.encoded && datum.data.starts(with: [0xFF, 0xD8])
    }
    return isJPEG == true ? scale : 0
  }
}
