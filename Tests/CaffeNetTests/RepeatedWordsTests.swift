import CaffeCore
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Where nobody can look at the top of an Embed, a recurrent layer multiplies each word that occurs once,
/// and gives what it gives row by row.
struct RepeatedWordsTests {
  private static let steps = 6
  private static let words = 40

  private func net(
    _ type: String, phase: Phase = .train, isSeen: Bool, between: String = "",
    inputs: String = "e", statics: String = ""
  ) throws -> Net {
    var description = try TestNet.parse(
      """
      layer { name: "in" type: "Input" top: "x" top: "cont" top: "t"
        input_param { shape { dim: \(Self.steps) dim: 5 } shape { dim: \(Self.steps) dim: 5 }
          shape { dim: \(Self.steps) dim: 5 } } }
      layer { name: "e" type: "Embed" bottom: "x" top: "e"
        embed_param { input_dim: \(Self.words) num_output: 12 weight_filler { type: "gaussian" }
          bias_filler { type: "gaussian" } } }
      \(between)
      layer { name: "r" type: "\(type)" bottom: "\(inputs)" bottom: "cont" \(statics) top: "r"
        recurrent_param { num_output: 8 weight_filler { type: "uniform" min: -0.4 max: 0.4 }
          bias_filler { type: "uniform" } } }
      layer { name: "ip" type: "InnerProduct" bottom: "r" top: "s"
        inner_product_param { num_output: 4 axis: 2 weight_filler { type: "xavier" } } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "s" bottom: "t" top: "l"
        softmax_param { axis: 2 } }
      """)
    description.state.phase = phase
    return try Net(
      description, context: LayerContext(phase: phase, reusesMemory: !isSeen, seed: 3))
  }

  /// Words of which `kinds` are different, in `streams` streams.
  private func fill(_ net: Net, streams: Int, kinds: Int, seed: UInt64) throws {
    var random = TestRandom(seed: seed)
    let count = Self.steps * streams
    for name in ["x", "cont", "t"] {
      let blob = try #require(net.blob(name))
      blob.reshape(try Shape([Self.steps, streams]))
      blob.data.values = (0..<count).map { place in
        switch name {
        case "x":
          Float((place < kinds ? place : Int(random.next() % UInt64(kinds))) * 7 % Self.words)
        case "cont": place % 9 == 0 ? 0 : 1
        default: Float(place % 4)
        }
      }
    }
  }

  /// A pass over the net, with a top of the Embed of which only the first row of each word is left.
  ///
  /// - Returns: the loss and the parameters' gradients.
  private func run(_ net: Net, spoiling: Bool = false) throws -> (loss: Float, gradients: [Float]) {
    net.clearGradients()
    var loss: Float = 0
    for index in net.layers.indices {
      loss += try net.forward(layer: index)
      if spoiling, net.layers[index].name == "e" { try spoilRepeats(net) }
    }
    net.clock.advance()
    if net.phase == .train { try net.backward() }
    return (loss, net.store.gradient.values)
  }

  private func spoilRepeats(_ net: Net) throws {
    let (words, rows) = (try #require(net.blob("x")).data.values, try #require(net.blob("e")).data)
    var values = rows.values
    let width = values.count / words.count
    for place in words.indices where words[..<place].contains(words[place]) {
      for column in 0..<width { values[place * width + column] = 1000 }
    }
    rows.values = values
  }

  private func expectTheSame(
    _ found: (loss: Float, gradients: [Float]), _ expected: (loss: Float, gradients: [Float])
  ) {
    #expect(abs(found.loss - expected.loss) < 1e-5)
    #expect(Closeness.worst(found.gradients, expected.gradients) < 1e-5)
  }

  /// Batch after batch: other words, other streams, more different words than are worth it, and again.
  @Test(arguments: ["LSTM", "RNN"])
  func eachWordIsMultipliedOnce(_ type: String) throws {
    let (wordByWord, rowByRow) = (try net(type, isSeen: false), try net(type, isSeen: true))
    let batches: [(streams: Int, kinds: Int)] = [
      (5, 3), (5, 15), (5, 30), (5, 1), (2, 6), (9, 22), (5, 15),
    ]
    for (seed, batch) in batches.enumerated() {
      let rows = Self.steps * batch.streams
      for net in [wordByWord, rowByRow] {
        try fill(net, streams: batch.streams, kinds: batch.kinds, seed: UInt64(seed))
      }
      let expected = try run(rowByRow)
      #expect(expected.gradients.contains { $0 != 0 })
      expectTheSame(try run(wordByWord, spoiling: batch.kinds <= rows / 2), expected)
    }
  }

  @Test(arguments: ["LSTM", "RNN"]) func inTestingToo(_ type: String) throws {
    let (wordByWord, rowByRow) = (
      try net(type, phase: .test, isSeen: false), try net(type, phase: .test, isSeen: true)
    )
    for net in [wordByWord, rowByRow] { try fill(net, streams: 5, kinds: 9, seed: 1) }
    #expect(abs(try run(wordByWord, spoiling: true).loss - run(rowByRow).loss) < 1e-5)
  }

  @Test(arguments: ["LSTM", "RNN"]) func withAStaticInputToo(_ type: String) throws {
    let picture = """
      layer { name: "picture" type: "DummyData" top: "picture"
        dummy_data_param { shape { dim: 5 dim: 4 } data_filler { type: "gaussian" } } }
      """
    let results = try [false, true].map {
      let net = try net(type, isSeen: $0, between: picture, statics: #"bottom: "picture""#)
      try fill(net, streams: 5, kinds: 9, seed: 3)
      return try run(net, spoiling: !$0)
    }
    expectTheSame(results[0], results[1])
  }

  /// Rows that another layer changes, or another layer reads, are all multiplied.
  @Test(arguments: [
    (#"layer { name: "p" type: "Power" bottom: "e" top: "e" power_param { scale: 0.5 } }"#, "e"),
    (
      """
      layer { name: "o" type: "Reduction" bottom: "e" top: "o" loss_weight: 0.1 }
      """, "e"
    ),
    (
      """
      layer { name: "v" type: "Reshape" bottom: "e" top: "v"
        reshape_param { shape { dim: 0 dim: 0 dim: 3 dim: 4 } } }
      """, "v"
    ),
  ]) func notWhereSomebodyElseIsBetween(_ between: String, inputs: String) throws {
    let nets = try [false, true].map {
      try net("LSTM", isSeen: $0, between: between, inputs: inputs)
    }
    let results = try nets.map { net in
      try fill(net, streams: 5, kinds: 4, seed: 2)
      return try run(net, spoiling: true)
    }
    expectTheSame(results[0], results[1])
  }
}
