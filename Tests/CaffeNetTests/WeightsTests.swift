import CaffeCore
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Weights into files and back, by the names of layers.
@Suite struct WeightsTests {
  static let endings: [String] = [".caffemodel", ".caffemodel.h5"]

  /// Layer names with `/`, and a bias shared by two layers.
  private static let text = """
    name: 'n' layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 3 } } }
    layer { name: 'block/a' type: 'InnerProduct' bottom: 'x' top: 'a' inner_product_param { num_output: 3 weight_filler { type: 'xavier' } } param { } param { name: 'b' } }
    layer { name: 'block' type: 'InnerProduct' bottom: 'a' top: 'b' inner_product_param { num_output: 3 weight_filler { type: 'xavier' } bias_filler { type: 'uniform' } } param { } param { name: 'b' } }
    """

  private func values(_ net: Net) -> [[Float]] { net.parameters.map(\.blob.data.values) }

  @Test(arguments: endings)
  func roundTrip(ending: String) throws {
    let folder = try TemporaryFolder()
    let (from, to) = (try TestNet.make(Self.text), try TestNet.make(Self.text, seed: 2))
    from.parameters[1].blob.data.values = [1, 2, 3]
    try from.saveWeights(to: folder("w" + ending))
    #expect(values(to) != values(from))
    try to.loadWeights(from: folder("w" + ending))
    #expect(values(to) == values(from))
    let format = other(than: ending)
    try Weights(contentsOf: folder("w" + ending)).write(to: folder("again" + format))
    let third = try TestNet.make(Self.text, seed: 3)
    try third.loadWeights(from: folder("again" + format))
    #expect(values(third) == values(from))
  }

  private func other(than ending: String) -> String {
    Self.endings.first { $0 != ending } ?? ""
  }

  /// Layers the net lacks are told of, those the file lacks keep their values.
  @Test(arguments: endings)
  func onlyCommonLayersAreCopied(ending: String) throws {
    let folder = try TemporaryFolder()
    let from = try TestNet.make(Self.text.replacing("name: 'block' ", with: "name: 'other' "))
    try from.saveWeights(to: folder("w" + ending))
    let to = try TestNet.make(Self.text, seed: 2)
    let kept = to.layer("block")?.parameters[0].data.values
    var notes: [String] = []
    try to.loadWeights(from: folder("w" + ending)) { notes.append($0) }
    #expect(notes.contains("Ignoring source layer other"))
    #expect(to.layer("block")?.parameters[0].data.values == kept)
    #expect(to.layer("block/a")?.parameters[0].data.values == from.parameters[0].blob.data.values)
  }

  @Test func aGroupInsideItselfIsRefused() {
    let path = PackageFolder.path("Tests/Fixtures/loop.h5")
    #expect(
      refusal { _ = try Weights(contentsOf: path) } == "\(path): the groups in 'data' have no end")
  }

  /// Nothing is copied if anything does not fit.
  @Test(arguments: endings)
  func otherShapesAreRefused(ending: String) throws {
    let folder = try TemporaryFolder()
    try TestNet.make(Self.text).saveWeights(to: folder("w" + ending))
    let to = try TestNet.make(Self.text.replacing("dim: 3", with: "dim: 4"), seed: 2)
    let before = values(to)
    let refused = refusal { try to.loadWeights(from: folder("w" + ending)) }
    #expect(
      refused
        == folder("w" + ending)
        + ": Cannot copy param 0 weights from layer 'block/a'; shape mismatch.  Source param shape is 3 3 (9); target param shape is 3 4 (12). To learn this layer's parameters from scratch rather than copying from a saved net, rename the layer, or give --skip-mismatch."
    )
    #expect(values(to) == before)
    let fewer = try TestNet.make(
      Self.text.replacing("num_output: 3", with: "bias_term: false num_output: 3")
        .replacing("param { } param { name: 'b' }", with: ""))
    #expect(
      refusal { try fewer.loadWeights(from: folder("w" + ending)) }
        .contains("Incompatible number of blobs for layer block"))
  }

  /// Fine-tuning: what fits is copied, what does not keeps its filler's values, bias included.
  @Test(arguments: endings)
  func mismatchesAreSkippedIfAskedFor(ending: String) throws {
    let folder = try TemporaryFolder()
    let text = Self.text.replacing("name: 'b' ", with: "")
    let from = try TestNet.make(text)
    for parameter in from.parameters {
      parameter.blob.data.values = parameter.blob.data.values.map { $0 + 1 }
    }
    try from.saveWeights(to: folder("w" + ending))
    let load = { (net: Net) in
      var notes: [String] = []
      try net.loadWeights(from: folder("w" + ending), skippingMismatches: true) {
        notes.append($0)
      }
      return notes.filter { !$0.hasPrefix("Ignoring") }
    }
    let second = "name: 'block' type: 'InnerProduct' bottom: 'a' top: 'b' inner_product_param { "
    let wider = text.replacing(second + "num_output: 3", with: second + "num_output: 5")
    let (fresh, net) = (try TestNet.make(wider, seed: 2), try TestNet.make(wider, seed: 2))
    #expect(
      try load(net) == [
        "Skipping layer block, which keeps its values: param 0 has shape 3 3 (9) in the file, 5 3 (15) in the net"
      ])
    #expect(values(net) == Array(values(from)[..<2] + values(fresh)[2...]))

    // The bias of the second layer would fit, but belongs to weights that do not.
    let first = "bottom: 'x' top: 'a' inner_product_param { "
    let inner = text.replacing(first + "num_output: 3", with: first + "num_output: 5")
    let (before, changed) = (try TestNet.make(inner, seed: 2), try TestNet.make(inner, seed: 2))
    #expect(try load(changed).count == 2)
    #expect(values(changed) == values(before))

    let fewer = try TestNet.make(
      text.replacing(second, with: second + "bias_term: false ")
        .replacing("param { } param { }", with: ""))
    #expect(
      try load(fewer) == [
        "Skipping layer block, which keeps its values: the file has 2 blobs, the net 1"
      ])
    #expect(try load(try TestNet.make(text, seed: 2)) == [])
  }

  @Test(arguments: endings)
  func gradientsAreKeptIfAskedFor(ending: String) throws {
    let folder = try TemporaryFolder()
    let net = try TestNet.make(Self.text)
    try net.saveWeights(to: folder("without" + ending))
    try net.saveWeights(to: folder("with" + ending), includingGradients: true)
    let sizes = try ["without", "with"].map { try folder.read($0 + ending).count }
    #expect(sizes[1] > sizes[0])
    try TestNet.make(Self.text).loadWeights(from: folder("with" + ending))
  }

  /// Blobs of old models have four axes, the first ones 1; blobs within a definition are values too.
  @Test(arguments: [
    ("num: 1 channels: 1 height: 2 width: 3", true),
    ("num: 1 channels: 1 height: 3 width: 2", false),
    ("num: 2 channels: 3 height: 1 width: 1", false), ("shape { dim: 2 dim: 3 }", true),
    ("shape { dim: 3 dim: 2 }", false), ("shape { dim: 6 }", false),
  ])
  func legacyShapes(shape: String, fits: Bool) {
    let refused = refusal {
      let net = try TestNet.make(
        """
        layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 3 } } }
        layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'a' inner_product_param { num_output: 2 bias_term: false }
          blobs { \(shape) data: [1, 2, 3, 4, 5, 6] } }
        """)
      #expect(net.parameters[0].blob.data.values == [1, 2, 3, 4, 5, 6])
    }
    #expect(refused.contains("shape mismatch") == !fits, "\(refused)")
  }

  /// Values in the definition take the place of the fillers', all of a layer or none.
  @Test(arguments: [
    (
      "blobs { shape { dim: 2 dim: 2 } data: [1, 2, 3, 4] } blobs { shape { dim: 2 } data: [5, 6] }",
      ""
    ),
    (
      "blobs { shape { dim: 2 dim: 2 } data: [1, 2, 3, 4] }",
      "Incompatible number of blobs: 1 given, 2 needed"
    ),
    (
      "blobs { shape { dim: 2 dim: 2 } data: [1, 2, 3] } blobs { shape { dim: 2 } data: [5, 6] }",
      "3 values for shape 2 2 (4)"
    ),
  ])
  func blobsInADefinition(blobs: String, refused: String) throws {
    let text = """
      name: 'n' layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 2 } } }
      layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'a' inner_product_param { num_output: 2 weight_filler { type: 'xavier' } } \(blobs) }
      """
    guard refused.isEmpty else {
      let place = "test.prototxt: net 'n': layer 'a' (InnerProduct), line 2: "
      #expect(refusal { _ = try TestNet.make(text) } == place + refused)
      return
    }
    #expect(try values(TestNet.make(text)) == [[1, 2, 3, 4], [5, 6]])
  }

  /// A net takes other batch sizes at run time, and comes back.
  @Test func inputsCanBeReshaped() throws {
    let net = try TestNet.make(Self.text)
    let row: [Float] = [1, -2, 3]
    for batch in [2, 5, 1, 2] {
      let input = try #require(net.blob("x"))
      input.reshape(try Shape([batch, 3]))
      input.data.values = (0..<batch).flatMap { _ in row }
      try net.forward()
      let output = try #require(net.blob("b"))
      #expect(output.shape.dimensions == [batch, 3])
      let values = output.data.values
      #expect((0..<batch).allSatisfy { Array(values[$0 * 3..<$0 * 3 + 3]) == Array(values[..<3]) })
    }
    net.blob("x")?.reshape([2, 4])
    #expect(
      refusal { try net.forward() }
        == "test.prototxt: net 'n': layer 'block/a' (InnerProduct), line 2: Input size incompatible with inner product parameters: 4 values, the weights take 3"
    )
  }
}
