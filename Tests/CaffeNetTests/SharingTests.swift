import CaffeSchema
import CaffeTestSupport
import Testing

/// Parameters with one name are one.
@Suite struct SharingTests {
  private static func net(_ first: String, _ second: String, outputs: Int = 3) -> String {
    """
    name: 'n' layer { name: 'in' type: 'Input' top: 'x' top: 'y' input_param { shape { dim: 1 dim: 3 } } }
    layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'a' inner_product_param { num_output: 3 bias_term: false weight_filler { type: 'xavier' } } param { name: 'w' \(first) } }
    layer { name: 'b' type: 'InnerProduct' bottom: 'y' top: 'b' inner_product_param { num_output: \(outputs) bias_term: false weight_filler { type: 'xavier' } } param { name: 'w' \(second) } }
    """
  }

  @Test func sharersHaveOneBlobAndAddTheirGradients() throws {
    var notes: [String] = []
    let net = try TestNet.make(
      "force_backward: true " + Self.net("", "")
    ) { notes.append($0) }
    #expect(net.parameters.count == 1 && net.parameters[0].displayName == "w")
    let (a, b) = (try #require(net.layer("a")), try #require(net.layer("b")))
    #expect(a.parameters[0] === b.parameters[0])
    #expect(notes.contains("Sharing parameters 'w' owned by layer 'a', param index 0"))
    net.blob("x")?.data.values = [1, 2, 3]
    net.blob("y")?.data.values = [10, 20, 30]
    try net.forward()
    for name in ["a", "b"] { net.blob(name)?.diff.values = [1, 0, -1] }
    net.clearGradients()
    try net.backward()
    //   each row: gradient of the output times (x + y)
    #expect(a.parameters[0].diff.values == [11, 22, 33, 0, 0, 0, -11, -22, -33])
  }

  @Test(
    arguments: [
      ("", "", 1, 1), ("lr_mult: 2", "", 2, 1), ("", "lr_mult: 3 decay_mult: 0", 3, 0),
      ("lr_mult: 2 decay_mult: 4", "lr_mult: 2 decay_mult: 4", 2, 4),
    ] as [(String, String, Float, Float)])
  func multipliersAreTheOnesGiven(first: String, second: String, rate: Float, decay: Float) throws {
    let parameter = try TestNet.make(Self.net(first, second)).parameters[0]
    #expect(parameter.learningRateMultiplier == rate && parameter.decayMultiplier == decay)
  }

  @Test(arguments: [
    (net("lr_mult: 1", "lr_mult: 2"), "Shared param 'w' has mismatched lr_mult."),
    (net("decay_mult: 1", "decay_mult: 2"), "Shared param 'w' has mismatched decay_mult."),
    (
      net("", "", outputs: 4),
      "Cannot share param 'w' owned by layer 'a' with layer 'b'; shape mismatch.  Owner layer param shape is 3 3 (9); sharing layer expects shape 4 3 (12)"
    ),
    (
      net("", "share_mode: PERMISSIVE", outputs: 4),
      "Cannot share param 'w' owned by layer 'a' with layer 'b'; count mismatch.  Owner layer param shape is 3 3 (9); sharing layer expects shape 4 3 (12)"
    ),
    (
      net("", "} param { name: 'v'"),
      "Too many params specified for layer b: 2 given, 1 blobs"
    ),
  ])
  func conflictsAreNamed(text: String, message: String) {
    let refused = refusal { _ = try TestNet.plan(text) }
    #expect(refused == "test.prototxt: net 'n': layer 'b' (InnerProduct), line 3: " + message)
  }

  /// PERMISSIVE asks for as many values only: [2, 3] over 3 inputs and [3, 2] over 2 inputs.
  @Test func permissiveSharersKeepTheirOwnShape() throws {
    let net = try TestNet.make(
      """
      layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 3 } } }
      layer { name: 'a' type: 'InnerProduct' bottom: 'x' top: 'a' inner_product_param { num_output: 2 bias_term: false } param { name: 'w' } }
      layer { name: 'b' type: 'InnerProduct' bottom: 'a' top: 'b' inner_product_param { num_output: 3 bias_term: false } param { name: 'w' share_mode: PERMISSIVE } }
      """)
    net.parameters[0].blob.data.values = [1, 2, 3, 4, 5, 6]
    net.blob("x")?.data.values = [1, 0, -1]
    try net.forward()
    // a = [[1 2 3] [4 5 6]]·x = (−2, −2);  b = [[1 2] [3 4] [5 6]]·a
    #expect(net.blob("a")?.data.values == [-2, -2])
    #expect(net.blob("b")?.data.values == [-6, -14, -22])
  }

  @Test func testNetsUseTheTrainNetsBlobs() throws {
    let text = Self.net("", "")
    let train = try TestNet.make(text)
    let test = try TestNet.make(text, phase: .test, sharing: train)
    #expect(test.layer("b")?.parameters[0] === train.layer("a")?.parameters[0])
    #expect(test.store.count == 0)
    let refused = refusal {
      _ = try TestNet.make(
        text.replacing("num_output: 3", with: "num_output: 5"), phase: .test, sharing: train)
    }
    #expect(
      refused
        == "test.prototxt: net 'n': Cannot share param 0 weights from layer 'a'; shape mismatch.  Source param shape is 3 3 (9); target param shape is 5 3 (15)"
    )
  }
}
