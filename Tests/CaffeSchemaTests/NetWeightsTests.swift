import CaffeErrors
import CaffeSchema
import CaffeTestSupport
import Testing

/// Binary models: written by the reference (Tests/Goldens/solver, by BVLC Caffe 1.0 at commit
/// 9b89154), by hand, and damaged.
struct NetWeightsTests {
  private func weights(_ bytes: [UInt8]) throws -> NetWeights {
    try bytes.withUnsafeBytes { try NetWeights(binary: $0, file: "net.caffemodel") }
  }

  private func sentence(_ bytes: [UInt8]) -> String? {
    #expect(throws: CaffeError.self) { try weights(bytes) }?.description
  }

  @Test func readsAModelOfTheReference() throws {
    let model = try NetWeights(contentsOfFile: SchemaGoldens.path("solver/init.caffemodel"))
    #expect(model.name == "tiny")
    let learnt = model.layers.filter { !$0.blobs.isEmpty }
    #expect(learnt.map(\.name) == ["ip1", "ip2"])
    #expect(learnt.map(\.type) == ["InnerProduct", "InnerProduct"])
    for blob in learnt.flatMap(\.blobs) {
      #expect(blob.values.count == blob.extents.reduce(1, *))
    }
    #expect(learnt[1].blobs.map(\.extents) == [[4, 12], [4]])
    let net = try NetParameter(contentsOfBinaryFile: SchemaGoldens.path("solver/init.caffemodel"))
    #expect(net.layer.map(\.name) == model.layers.map(\.name))
    #expect(net.layer.flatMap(\.blobs) == model.layers.flatMap(\.blobs))
    #expect(try net.binary() == SchemaGoldens.bytes("solver/init.caffemodel"))
  }

  @Test func readsASolverStateOfTheReference() throws {
    let name = "solver/resume-adam-binaryproto_iter_8.solverstate"
    let state = try SolverState(contentsOfBinaryFile: SchemaGoldens.path(name))
    #expect(state.iter == 8)
    #expect(state.learnedNet == "resume-adam-binaryproto_iter_8.caffemodel")
    #expect(state.history.count == 8)
    #expect(try state.binary() == SchemaGoldens.bytes(name))
  }

  /// A V1 layer, and a V0 layer inside one, as their writers laid them out.
  @Test func readsOlderGenerations() throws {
    var net = NetParameter()
    net.layers = [OldLayers.v1, OldLayers.v0]
    let model = try weights(net.binary())
    #expect(model.layers.map(\.name) == ["fc", "c"])
    #expect(model.layers.map(\.type) == ["InnerProduct", "Convolution"])
    #expect(model.layers.map(\.blobs.count) == [1, 2])
    #expect(model.layers[0].blobs[0].extents == [1, 1, 2, 3])
    #expect(model.layers[0].blobs[0].values == [1, 2, 3, 4, 5, 6])
  }

  /// Floats one by one (tag 0x2D), in a block (0x2A), and in another block.
  @Test func readsUnpackedAndSplitData() throws {
    let one: [UInt8] = [0, 0, 0x80, 0x3F]
    let bytes: [UInt8] = [0x2D] + one + [0x2A, 8] + one + one + [0x2A, 4] + one
    #expect(try BlobProto(binary: bytes, file: "blob").data == [1, 1, 1, 1])
  }

  /// Layer field 143 is `input_param` here and a varint in other forks; it must not matter.
  @Test func skipsFieldsThatForksReuse() throws {
    let layer: [UInt8] = [0x0A, 1, 0x61, 0xF8, 0x08, 5, 0x12, 4] + Array("ReLU".utf8)
    let net: [UInt8] = [0xA2, 0x06, UInt8(layer.count)] + layer
    #expect(throws: CaffeError.self) { try NetParameter(binary: net, file: "net") }
    #expect(try weights(net).layers.map(\.type) == ["ReLU"])
  }

  @Test func namesRawDataOfNVIDIA() {
    let blob: [UInt8] = [0x50, 2, 0x62, 2, 0, 0x3C]  // raw_data_type: 2, raw_data: one half float
    let layer: [UInt8] = [0x0A, 1, 0x61, 0x3A, UInt8(blob.count)] + blob
    let net: [UInt8] = [0xA2, 0x06, UInt8(layer.count)] + layer
    #expect(
      sentence(net) == "net.caffemodel: layer 'a' keeps its numbers in raw_data, a field of "
        + "NVIDIA/caffe; save the model with float32 data there")
  }

  @Test func namesForeignFiles() {
    let not = "net.caffemodel is not a binary caffemodel"
    #expect(sentence([]) == "\(not): it is empty (0 bytes)")
    #expect(sentence(Array("name: \"LeNet\"".utf8)) == "\(not): it is text (13 bytes)")
    #expect(sentence([0x89, 0x48, 0x44, 0x46, 13]) == "\(not): it is an HDF5 file (5 bytes)")
    #expect(sentence([0x0A, 200, 1]) == "\(not), or it is truncated (3 bytes)")
    #expect(sentence([0x28, 1]) == "net.caffemodel holds no layers, so it is no caffemodel")
  }

  /// Cut anywhere, a model is refused or reads as fewer layers; it never crashes.
  @Test func survivesTruncationEverywhere() throws {
    let whole = try SchemaGoldens.bytes("solver/init.caffemodel")
    let layers = try weights(whole).layers.count
    var refused = 0
    for size in whole.indices {
      let cut = Array(whole[..<size])
      do {
        #expect(try weights(cut).layers.count < layers)
      } catch is CaffeError {
        refused += 1
      }
      _ = try? NetParameter(binary: cut, file: "cut")
    }
    #expect(refused > whole.count - 2 * layers)
  }

  /// Any byte changed to any of some values: refused or read, never a crash.
  @Test func survivesDamage() throws {
    let whole = try SchemaGoldens.bytes("solver/init.caffemodel")
    var read = 0
    for place in whole.indices {
      for value: UInt8 in [0, 0x7F, 0x80, 0xFF] {
        var damaged = whole
        damaged[place] = value
        if (try? weights(damaged)) != nil { read += 1 }
        _ = try? NetParameter(binary: damaged, file: "damaged")
      }
    }
    #expect(read > 0)
  }
}
