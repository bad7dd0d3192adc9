import CaffeData
import CaffeTestSupport
import Testing

/// `caffe-swift export`, where one format has less than the other.
@Suite struct ExportTests {
  /// `b` shares the weights of `a` and has a bias of its own; `c` shares all.
  private static let net = """
    name: "shared"
    layer { name: "in" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 dim: 2 } data_filler { type: "gaussian" } } }
    layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" param { name: "w" } inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
    layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" param { name: "w" } param { name: "v" } inner_product_param { num_output: 2 bias_filler { value: 3 } } }
    layer { name: "c" type: "InnerProduct" bottom: "b" top: "c" param { name: "w" } param { name: "v" } inner_product_param { num_output: 2 } loss_weight: 1 }

    """

  /// The same weights in both formats: `binary` and `w.h5`, as snapshots of the net.
  private func trained() throws -> Workshop {
    let folder = try TemporaryFolder()
    try folder.write("net.prototxt", Self.net)
    let shop = Workshop(folder: folder)
    for format in ["HDF5", "BINARYPROTO"] {
      try folder.write(
        "solver.prototxt",
        "net: \"net.prototxt\" base_lr: 0.1 lr_policy: \"fixed\" max_iter: 2 random_seed: 1 snapshot_prefix: \"s\" snapshot_format: \(format)"
      )
      #expect(try shop.run("train", "--solver", "solver.prototxt").status == 0)
    }
    return shop
  }

  @Test func sharedBlobsAreRefusedWithoutTheNet() throws {
    let shop = try trained()
    let refused = try shop.run("export", "s_iter_2.caffemodel.h5", "new.caffemodel")
    #expect(refused.status == 1 && refused.output.isEmpty, "\(refused)")
    #expect(
      refused.complaints == [
        "caffe-swift: s_iter_2.caffemodel.h5: layer 'b' lacks blob 0, which is shared with another layer; a binary file needs every blob: give the net with --model"
      ])
    #expect(!shop.folder.exists("new.caffemodel"))
  }

  /// What comes out is the snapshot that the run would have written.
  @Test func withTheNetAnExportIsItsSnapshot() throws {
    let shop = try trained()
    let (hdf5, binary) = ("s_iter_2.caffemodel.h5", "s_iter_2.caffemodel")
    let there = try shop.run("export", hdf5, "new.caffemodel", "--model", "net.prototxt")
    #expect(there.status == 0 && there.complaints.isEmpty, "\(there)")
    #expect(there.output == "new.caffemodel: 4 layers, 8 values\n", "\(there)")
    #expect(try shop.folder.read("new.caffemodel") == shop.folder.read(binary))
    let back = try shop.run("export", binary, "new.h5", "--model", "net.prototxt")
    #expect(back.status == 0 && back.complaints.isEmpty, "\(back)")
    #expect(try shop.folder.read("new.h5") == shop.folder.read(hdf5))
    #expect(back.output == "new.h5: 4 layers, 8 values\n", "\(back)")
  }

  /// Nothing is made up, and nothing goes without a word.
  @Test func theNetMustBeThatOfTheWeights() throws {
    let shop = try trained()
    try shop.folder.write(
      "more.prototxt",
      Self.net
        + "layer { name: \"e\" type: \"InnerProduct\" bottom: \"c\" top: \"e\" inner_product_param { num_output: 2 } }"
    )
    let more = try shop.run(
      "export", "s_iter_2.caffemodel.h5", "new", "--model", "more.prototxt")
    #expect(more.status == 1, "\(more)")
    #expect(
      more.complaints == [
        "caffe-swift: s_iter_2.caffemodel.h5: there are no weights for layer 'e' of the net"
      ])
    let less = Self.net.split(separator: "\n").prefix(3).joined(separator: "\n")
    try shop.folder.write("less.prototxt", less)
    let fewer = try shop.run("export", "s_iter_2.caffemodel.h5", "new", "--model", "less.prototxt")
    #expect(fewer.status == 0 && fewer.output == "new: 2 layers, 6 values\n", "\(fewer)")
    #expect(fewer.log == ["Ignoring source layer b"], "\(fewer)")
  }
}
