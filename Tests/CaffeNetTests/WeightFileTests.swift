import CaffeCore
import CaffeData
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// What weight files hold where formats differ: old shapes, shared blobs, gradients, names given twice.
@Suite struct WeightFileTests {
  // MARK: Shapes of four extents

  private static func old(_ extents: [Int], _ values: [Float]) -> BlobProto {
    var blob = BlobProto()
    (blob.num, blob.channels, blob.height, blob.width) = (
      extents[0], extents[1], extents[2], extents[3]
    )
    blob.data = values
    return blob
  }

  /// A model as Caffe wrote them in 2014: a convolution, an inner product, and a fork's layer.
  private static func writeOldModel(_ path: String) throws {
    let values = (1...12).map(Float.init)
    var net = NetParameter()
    net.name = "old"
    net.layers = [
      (.convolution, "c", [old([2, 1, 1, 3], Array(values[..<6])), old([1, 1, 1, 2], [1, 2])]),
      (.innerProduct, "fc", [old([1, 1, 3, 4], values), old([1, 1, 1, 3], [5, 6, 7])]),
      (.mvn, "m", [old([1, 1, 1, 2], [8, 9])]),
    ].map { (type: V1LayerParameter.LayerType, name: String, blobs: [BlobProto]) in
      var layer = V1LayerParameter()
      (layer.name, layer.type, layer.blobs) = (name, type, blobs)
      return layer
    }
    try net.binary().withUnsafeBytes { try AtomicFile.write(path, $0) }
  }

  private static let today = """
    layer { name: 'in' type: 'Input' top: 'x' top: 'y' input_param { shape { dim: 1 dim: 1 dim: 1 dim: 3 } shape { dim: 1 dim: 4 } } }
    layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'c' convolution_param { num_output: 2 kernel_h: 1 kernel_w: 3 } }
    layer { name: 'fc' type: 'InnerProduct' bottom: 'y' top: 'fc' inner_product_param { num_output: 3 } }
    """

  @Test(arguments: WeightsTests.endings)
  func anExportGivesOldBlobsTodaysShapes(ending: String) throws {
    let folder = try TemporaryFolder()
    try Self.writeOldModel(folder("old"))
    let old = try Weights(contentsOf: folder("old"))
    try old.write(to: folder("new" + ending))
    let new = try Weights(contentsOf: folder("new" + ending))
    #expect(new.layers.map(\.name) == ["c", "fc", "m"])
    #expect(
      new.layers.map { $0.blobs.map { $0?.extents } }
        == [[[2, 1, 1, 3], [2]], [[3, 4], [3]], [[1, 1, 1, 2]]])
    #expect(new.layers[1].blobs.allSatisfy { $0?.hasLegacyShape == false })
    for file in ["old", "new" + ending] {
      let net = try TestNet.make(Self.today)
      try net.loadWeights(from: folder(file))
      #expect(net.parameters[2].blob.data.values == (1...12).map(Float.init))
      #expect(net.parameters[3].blob.data.values == [5, 6, 7])
    }
  }

  // MARK: Shared blobs

  /// `b` has its bias to itself, `c` nothing.
  private static let sharing = """
    name: 'n' layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 2 } } }
    layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'a' param { name: 'w' } inner_product_param { num_output: 2 weight_filler { type: 'xavier' } } }
    layer { name: 'r' type: 'ReLU' bottom: 'a' top: 'r' }
    layer { name: 'b' type: 'InnerProduct' bottom: 'r' top: 'b' param { name: 'w' } param { name: 'v' } inner_product_param { num_output: 2 bias_filler { value: 3 } } }
    layer { name: 'c' type: 'InnerProduct' bottom: 'b' top: 'c' param { name: 'w' } param { name: 'v' } inner_product_param { num_output: 2 } loss_weight: 1 }
    """

  /// A binary file has no way to say that blob 0 is left out, and blob 1 would take its place.
  @Test func aGapIsRefusedInABinaryFile() throws {
    let folder = try TemporaryFolder()
    try TestNet.make(Self.sharing).saveWeights(to: folder("w.h5"))
    let weights = try Weights(contentsOf: folder("w.h5"))
    #expect(
      refusal { try weights.write(to: folder("w")) } == folder("w.h5")
        + ": layer 'b' lacks blob 0, which is shared with another layer; a binary file needs every blob: give the net with --model"
    )
    #expect(try folder.names() == ["w.h5"])
    try weights.write(to: folder("again.h5"))
    let net = try TestNet.make(Self.sharing, seed: 2)
    try net.loadWeights(from: folder("again.h5"))
    #expect(net.parameters[2].blob.data.values == [3, 3])
  }

  /// Source: BVLC Caffe, `Net::ToHDF5`.
  @Test func gradientsInHDF5AreThoseOfEveryLayer() throws {
    let folder = try TemporaryFolder()
    let net = try TestNet.make(Self.sharing)
    net.blob("x")?.data.values = [1, 2, 3, 4]
    try net.forward()
    try net.backward()
    try net.saveWeights(to: folder("w.h5"), includingGradients: true)
    let file = try HDF5File(reading: folder("w.h5"))
    #expect(try file.children(of: "").sorted() == ["data", "diff"])
    func content(_ group: String) throws -> [String: [String]] {
      Dictionary(
        uniqueKeysWithValues: try file.children(of: group).map {
          ($0, try file.children(of: "\(group)/\($0)"))
        })
    }
    let none = ["in": [], "r": []] as [String: [String]]
    let data = ["a": ["0", "1"], "b": ["1"], "c": []]
    let diff = ["a": ["0", "1"], "b": ["0", "1"], "c": ["0", "1"]]
    #expect(try content("data") == none.merging(data) { $1 })
    #expect(try content("diff") == none.merging(diff) { $1 })
    let gradient = try #require(net.layer("c")).parameters.map(\.diff.values)
    #expect(gradient.allSatisfy { $0.contains { $0 != 0 } })
    for layer in ["b", "c"] {
      for index in 0...1 {
        let written = try file.read("diff/\(layer)/\(index)", as: Float.self)
        #expect(written.values == gradient[index] && written.shape == [[2, 2], [2]][index])
      }
    }
  }

  /// Two blobs of one layer that are one parameter are written once.
  @Test func aBlobSharedWithinALayerIsWrittenOnce() throws {
    let folder = try TemporaryFolder()
    let text = """
      layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 2 } } }
      layer { name: 's' type: 'Scale' bottom: 'x' top: 's' param { name: 'w' } param { name: 'w' } scale_param { bias_term: true filler { type: 'uniform' min: 1 max: 2 } } }
      """
    let net = try TestNet.make(text)
    try net.saveWeights(to: folder("w.h5"))
    #expect(try HDF5File(reading: folder("w.h5")).children(of: "data/s") == ["0"])
    let other = try TestNet.make(text, seed: 2)
    try other.loadWeights(from: folder("w.h5"))
    #expect(other.parameters[0].blob.data.values == net.parameters[0].blob.data.values)
  }

  // MARK: Names given twice

  private static let twice = """
    layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 2 } } }
    layer { name: 'd' type: 'InnerProduct' bottom: 'x' top: 'y' inner_product_param { num_output: 2 bias_term: false weight_filler { type: 'xavier' } } }
    layer { name: 'd' type: 'InnerProduct' bottom: 'y' top: 'z' inner_product_param { num_output: 2 bias_term: false weight_filler { type: 'xavier' } } }
    """

  /// The first layer of the name takes the blobs of one source after the other; the second takes none.
  ///
  /// Source: BVLC Caffe, `Net::CopyTrainedLayersFrom`.
  @Test func ofTwoLayersWithOneNameTheFirstIsLoaded() throws {
    let folder = try TemporaryFolder()
    let (from, to) = (try TestNet.make(Self.twice), try TestNet.make(Self.twice, seed: 2))
    // Fillers would give both layers the same.
    from.parameters[1].blob.data.values = [1, 2, 3, 4]
    to.parameters[1].blob.data.values = [5, 6, 7, 8]
    try from.saveWeights(to: folder("w"))
    try to.loadWeights(from: folder("w"))
    #expect(to.parameters[0].blob.data.values == [1, 2, 3, 4])
    #expect(to.parameters[1].blob.data.values == [5, 6, 7, 8])

    let other = try TestNet.make(
      Self.twice.replacing("name: 'in' type", with: "name: 'd' type"), seed: 3)
    #expect(
      refusal { try other.loadWeights(from: folder("w")) }
        .contains("Incompatible number of blobs for layer d: the file has 1 blobs, the net 0"))
  }

  @Test func twoLayersOfOneNameAreRefusedInHDF5() throws {
    let folder = try TemporaryFolder()
    let net = try TestNet.make(Self.twice)
    try net.saveWeights(to: folder("w"))
    let sentence =
      "layer 'd' has the name of a layer before it, and HDF5 keeps the blobs of layers by their names: rename one"
    #expect(refusal { try net.saveWeights(to: folder("w.h5")) } == "\(folder("w.h5")): " + sentence)
    #expect(
      refusal { try Weights(contentsOf: folder("w")).write(to: folder("w.h5")) }
        == "\(folder("w.h5")): " + sentence)
    #expect(try folder.names() == ["w"])
  }

  /// Layers without blobs do no harm there, behind the layer that has them.
  @Test func aNamesakeWithoutBlobsIsAllowedInHDF5() throws {
    let folder = try TemporaryFolder()
    let text = Self.twice.replacing(
      "type: 'InnerProduct' bottom: 'y' top: 'z' inner_product_param { num_output: 2 bias_term: false weight_filler { type: 'xavier' } }",
      with: "type: 'ReLU' bottom: 'y' top: 'z'")
    let (from, to) = (try TestNet.make(text), try TestNet.make(text, seed: 2))
    try from.saveWeights(to: folder("w.h5"), includingGradients: true)
    try to.loadWeights(from: folder("w.h5"))
    #expect(to.parameters[0].blob.data.values == from.parameters[0].blob.data.values)
  }
}
