import CaffeCore
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// ArgMax, BatchReindex, Embed and Filter.
struct SelectionTests {
  static let filler = #"filler { type: "uniform" min: -1 max: 1 }"#

  @Test func embedGathersRows() throws {
    let layer = LayerTestCase(
      "embed", #"type: "Embed" embed_param { input_dim: 3 num_output: 2 }"#, [[2, 2]])
    let net = try layer.net()
    net.parameters[0].blob.data.values = [1, 2, 3, 4, 5, 6]
    net.parameters[1].blob.data.values = [10, 20]
    try layer.fill(net, [[2, 0, 0, 1]])
    try net.forward()
    #expect(net.blob("out0")?.data.values == [15, 26, 11, 22, 11, 22, 13, 24])
    #expect(net.blob("out0")?.shape == [2, 2, 2])
    try layer.fill(net, [[2, 3, 0, 1]])
    expectError("index 3 at position 1 is not in 0..<input_dim (0..<3)") { try net.forward() }
  }

  @Test(arguments: [true, false]) func embedGradients(bias: Bool) throws {
    try LayerTestCase(
      "embed",
      """
      type: "Embed" embed_param {
        input_dim: 4 num_output: 3 bias_term: \(bias) weight_filler { type: "xavier" }
      }
      """, [[5]]
    ).expectGradients([[1, 3, 3, 0, 1]], fixed: [0])
  }

  @Test func batchReindexPicksItems() throws {
    let layer = LayerTestCase("reindex", #"type: "BatchReindex""#, [[3, 2], [4]])
    #expect(
      try layer.output([[1, 2, 3, 4, 5, 6], [2, 0, 2, 1]]) == [5, 6, 1, 2, 5, 6, 3, 4])
    var random = TestRandom(seed: 5)
    try layer.expectGradients([random.spaced(6), [2, 0, 2, 0]], fixed: [1])
    expectError("index -1 at position 3 is not in 0..<batch (0..<3)") {
      _ = try layer.output([[1, 2, 3, 4, 5, 6], [2, 0, 2, -1]])
    }
  }

  @Test func filterKeepsMarkedItems() throws {
    let layer = LayerTestCase("filter", #"type: "Filter""#, [[3, 2], [3], [3, 1]], tops: 2)
    let net = try layer.net()
    try layer.fill(net, [[1, 2, 3, 4, 5, 6], [7, 8, 9], [1, 0, -2]])
    try net.forward()
    #expect(net.blob("out0")?.data.values == [1, 2, 5, 6])
    #expect(net.blob("out1")?.data.values == [7, 9])
  }

  @Test func filterGradients() throws {
    let reduction = #"type: "Reduction" reduction_param { operation: SUMSQ } loss_weight: 1"#
    let text = LayerTestCase("filter", #"type: "Filter""#, [[3, 2], [3], [3]], tops: 2).text
    var random = TestRandom(seed: 5)
    let report = try checkGradients(
      """
      \(text)
      layer { name: "r0" \(reduction) bottom: "out0" top: "sum0" }
      layer { name: "r1" \(reduction) bottom: "out1" top: "sum1" }
      """,
      inputs: ["in0": random.spaced(6), "in1": random.spaced(3), "in2": [0, 1, 1]],
      fixed: ["in2"])
    #expect(report.compared == 9)
    #expect(report.worst < 2e-3, "\(report)")
  }

  /// The layers above get a batch of none, and a full one in the next pass.
  @Test(arguments: [Engine.caffe, .oneDNN]) func filterMayKeepNothing(on engine: Engine) throws {
    let text = """
      force_backward: true
      layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 3 dim: 2 dim: 4 dim: 4 } } }
      layer { name: "s" type: "Input" top: "s" input_param { shape { dim: 3 } } }
      layer { name: "f" type: "Filter" bottom: "x" bottom: "s" top: "f" }
      layer {
        name: "c" type: "Convolution" bottom: "f" top: "c"
        convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "xavier" } }
      }
      layer { name: "n" type: "BatchNorm" bottom: "c" top: "n" }
      layer { name: "b" type: "Scale" bottom: "n" top: "n" scale_param { bias_term: true } }
      layer { name: "r" type: "ReLU" bottom: "n" top: "n" }
      layer {
        name: "p" type: "Pooling" bottom: "n" top: "p" pooling_param { kernel_size: 2 stride: 2 }
      }
      layer {
        name: "i" type: "InnerProduct" bottom: "p" top: "i"
        inner_product_param { num_output: 2 weight_filler { type: "xavier" } }
      }
      layer { name: "l" type: "Softmax" bottom: "i" top: "l" }
      """
    let net = try Net(
      NetParameter(text: text, file: "filter"),
      context: LayerContext(phase: .train, engine: engine, seed: 1))
    var random = TestRandom(seed: 5)
    let x = try #require(net.blob("x"))
    x.data.values = random.values(x.count)
    for selector: [Float] in [[1, 1, 1], [0, 0, 0], [0, 1, 0]] {
      net.blob("s")?.data.values = selector
      try net.forward()
      try net.backward()
      let kept = Int(selector.reduce(0, +))
      #expect(net.blob("l")?.shape.dimensions == [kept, 2])
      #expect(x.diff.values.allSatisfy { $0.isFinite })
      if kept == 0 { #expect(x.diff.values.allSatisfy { $0 == 0 }) }
      #expect(net.parameters.allSatisfy { $0.blob.data.values.allSatisfy { $0.isFinite } })
    }
  }

  //  1 5 2 / 5 0 7: the later of equal scores comes first
  static let scores: [Float] = [1, 5, 5, 5, 0, 7]

  @Test(arguments: [
    ("", [1, 1, 1], [5]),
    ("top_k: 3", [1, 1, 3], [5, 3, 2]),
    ("top_k: 2 out_max_val: true", [1, 2, 2], [5, 3, 7, 5]),
    ("axis: -1", [1, 2, 1], [2, 2]),
    ("axis: 1", [1, 1, 3], [1, 0, 1]),
    ("axis: 2 top_k: 2 out_max_val: true", [1, 2, 2], [5, 5, 7, 5]),
  ])
  func argMax(options: String, shape: [Int], expected: [Float]) throws {
    let layer = LayerTestCase(
      options, "type: \"ArgMax\" argmax_param { \(options) }", [[1, 2, 3]])
    #expect(try layer.output([Self.scores]) == expected)
    #expect(try layer.net().blob("out0")?.shape.dimensions == shape)
  }

  @Test func argMaxHasAsManyAxesAsItsBottom() throws {
    let net = try LayerTestCase("4 axes", #"type: "ArgMax""#, [[2, 3, 4, 5]]).net()
    #expect(net.blob("out0")?.shape == [2, 1, 1, 1])
  }

  @Test(arguments: [
    RefusedLayer(
      #"type: "ArgMax" argmax_param { top_k: 0 }"#, [[2, 3]], "top_k must not be less than 1"),
    RefusedLayer(
      #"type: "ArgMax" argmax_param { top_k: 4 }"#, [[2, 3]], "top_k must be at most the 3 scores"),
    RefusedLayer(
      #"type: "ArgMax" argmax_param { axis: 2 }"#, [[2, 3]], "axis 2 is out of range"),
    RefusedLayer(
      #"type: "Embed" embed_param { input_dim: 3 }"#, [[2]], "num_output must be positive"),
    RefusedLayer(
      #"type: "Embed" embed_param { num_output: 3 }"#, [[2]], "input_dim must be positive"),
    RefusedLayer(
      #"type: "BatchReindex""#, [[3, 2], [4, 1]], "the second bottom, the indices, must have 1 axis"
    ),
    RefusedLayer(
      #"type: "Filter""#, [[3, 2], [3, 2]], "the selector must have shape [n] or [n, 1, …]"),
    RefusedLayer(
      #"type: "Filter""#, [[3, 2], [4]], "each bottom must have as many items as the selector"),
    RefusedLayer(
      #"type: "Filter""#, [[3, 2], [3]], tops: 2,
      "Filter Layer produces one top blob for each bottom blob but the last"),
  ])
  func refuses(_ layer: RefusedLayer) { layer.expect() }
}
