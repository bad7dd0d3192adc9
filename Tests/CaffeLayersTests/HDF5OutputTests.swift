import CaffeCore
import CaffeTestSupport
import Foundation
import Testing

struct HDF5OutputTests {
  private func withPath(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("hdf5output-\(UUID().uuidString).h5").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  private func layer(_ path: String, _ shapes: [[Int]] = [[2, 3, 1], [2]]) -> LayerTestCase {
    LayerTestCase(
      "", #"type: "HDF5Output" hdf5_output_param { file_name: "\#(path)" }"#, shapes, tops: 0)
  }

  /// Many batches, of different sizes, past the block in which rows are stored; an older file goes.
  @Test func appendsEveryBatch() throws {
    try withPath { path in
      try Data("old".utf8).write(to: URL(fileURLWithPath: path))
      let (layer, batches) = (layer(path), 600)
      let net = try layer.net()
      for batch in 0..<batches {
        try layer.fill(net, [(0..<6).map { Float(6 * batch + $0) }, [Float(batch), -1]])
        try net.forward()
      }
      try #require(net.blob("in0")).reshape([1, 3, 1])
      try #require(net.blob("in1")).reshape([1])
      try layer.fill(net, [[7, 8, 9], [5]])
      try net.forward()
      let file = try GoldenFile(path: path)
      // Four axes, as in the files of BVLC Caffe 1.0.0 (Debian 11's package).
      #expect(try file.shape("data") == [2 * batches + 1, 3, 1, 1])
      #expect(try file.shape("label") == [2 * batches + 1, 1, 1, 1])
      #expect(try file.values("data") == (0..<6 * batches).map(Float.init) + [7, 8, 9])
      #expect(
        try file.values("label") == (0..<batches).flatMap { [Float($0), -1] } + [5])
      #expect(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0 < 1 << 20)
    }
  }

  @Test func refusesRowsOfAnotherShape() throws {
    try withPath { path in
      let net = try layer(path).net()
      try net.forward()
      try #require(net.blob("in0")).reshape([2, 4, 1])
      expectError("the rows of \(path) have shapes [3, 1] and [], these have [4, 1] and []") {
        try net.forward()
      }
    }
  }

  @Test func refusesWhatCannotBeWritten() throws {
    RefusedLayer(#"type: "HDF5Output""#, [[2, 3], [2]], tops: 0, "file_name must be specified")
      .expect()
    let file = #"type: "HDF5Output" hdf5_output_param { file_name: "/tmp/x.h5" }"#
    RefusedLayer(file, [[2, 3], [3]], tops: 0, "must have as many rows: 2 vs. 3").expect()
    RefusedLayer(file, [[2, 0], [2]], tops: 0, "there is nothing to write").expect()
    let net = try layer("/no/such/folder/x.h5").net()
    expectError("/no/such/folder/x.h5: No such file or directory") { try net.forward() }
  }
}
