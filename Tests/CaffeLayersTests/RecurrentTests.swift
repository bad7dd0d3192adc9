import CaffeCore
import CaffeKernels
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// LSTM and RNN: gradients, state from pass to pass, shapes that cannot be.
struct RecurrentTests {
  static func settings(_ type: String, _ more: String = "", units: Int = 3) -> String {
    """
    type: "\(type)" recurrent_param { num_output: \(units) \(more)
      weight_filler { type: "uniform" min: -0.6 max: 0.6 } bias_filler { type: "uniform" } }
    """
  }

  static let cases = ["LSTM", "RNN"].flatMap { type in
    let states = Array(repeating: [1, 2, 3], count: type == "LSTM" ? 2 : 1)
    let exposed = settings(type, "expose_hidden: true")
    return [
      LayerTestCase("\(type)", settings(type), [[4, 2, 5], [4, 2]]),
      LayerTestCase("\(type) spatial", settings(type), [[3, 2, 2, 2], [3, 2]]),
      LayerTestCase("\(type) static", settings(type), [[4, 2, 3], [4, 2], [2, 2, 2]]),
      LayerTestCase(
        "\(type) exposed", exposed, [[4, 2, 5], [4, 2]] + states, tops: 1 + states.count),
      LayerTestCase(
        "\(type) exposed static", exposed, [[3, 2, 2], [3, 2], [2, 4]] + states,
        tops: 1 + states.count),
      LayerTestCase("\(type) one step", settings(type), [[1, 2, 3], [1, 2]]),
    ]
  }

  private func inputs(_ layer: LayerTestCase) -> [[Float]] {
    var random = TestRandom(seed: 21)
    var values = layer.shapes.map { random.values($0.reduce(1, *)) }
    // Sequences begin in both streams at different steps; the first continues the state before.
    values[1] = values[1].indices.map { $0 == 0 || $0 % 3 != 0 ? 1 : 0 }
    return values
  }

  @Test(arguments: cases, [Engine.caffe, .oneDNN])
  func gradients(_ layer: LayerTestCase, engine: Engine) throws {
    try layer.expectGradients(inputs(layer), fixed: [1], engine: engine)
  }

  /// The weights of a step are arranged once for all of them, and again when they have changed; many units are
  /// shared by threads.
  @Test(arguments: ["LSTM", "RNN"], [(1, 20, Float(1e-5)), (5, 20, 1e-5), (9, 150, 1e-4)])
  func enginesAgreeAfterAnUpdateToo(
    _ type: String, _ size: (streams: Int, units: Int, tolerance: Float)
  ) throws {
    let (streams, units, tolerance) = size
    let layer = LayerTestCase(
      "", Self.settings(type, units: units), [[3, streams, 6], [3, streams]])
    func results(_ engine: Engine) throws -> [[Float]] {
      let net = try Net(
        NetParameter(text: "force_backward: true " + layer.text, file: "case"),
        context: LayerContext(phase: .train, engine: engine, seed: 3))
      #expect(net.layers.last?.engine.engine == engine)
      return try [Float(1), -0.5].flatMap { factor in
        var random = TestRandom(seed: 12)
        let weights = net.store.data
        weights.values = weights.values.map { factor * $0 }
        try layer.fill(
          net, [random.values(18 * streams), Array(repeating: 1, count: 3 * streams)])
        try net.forward()
        let top = try #require(net.blob("out0"))
        top.diff.values = random.values(top.count)
        net.clearGradients()
        try net.backward()
        return [
          top.data.values, try #require(net.blob("in0")).diff.values, net.store.gradient.values,
        ]
      }
    }
    for (found, expected) in zip(try results(.oneDNN), try results(.caffe)) {
      #expect(Closeness.worst(found, expected) < tolerance)
    }
  }

  /// One step, of a state that is given: roundings of later states could go either way.
  @Test(
    .enabled(if: Precision.isBFloat16Native, "the processor has no bfloat16"),
    arguments: ["LSTM", "RNN"])
  func bothEnginesRoundToBFloat16(_ type: String) throws {
    let states = Array(repeating: [1, 2, 30], count: type == "LSTM" ? 2 : 1)
    let layer = LayerTestCase(
      "", Self.settings(type, "expose_hidden: true", units: 30), [[1, 2, 5], [1, 2]] + states,
      tops: 1 + states.count)
    func results(_ engine: Engine, _ precision: Precision) throws -> [[Float]] {
      let net = try Net(
        NetParameter(text: "force_backward: true " + layer.text, file: "case"),
        context: LayerContext(phase: .train, engine: engine, precision: precision, seed: 3))
      #expect(net.layers.last?.engine.engine == engine)
      try layer.fill(net, inputs(layer))
      try net.forward()
      let top = try #require(net.blob("out0"))
      top.diff.values = top.data.values
      net.clearGradients()
      try net.backward()
      return [
        top.data.values, try #require(net.blob("in2")).diff.values, net.store.gradient.values,
      ]
    }
    let reference = try results(.caffe, .bfloat16)
    let found = try results(.oneDNN, .bfloat16)
    let unrounded = try results(.caffe, .float32)
    for (index, reference) in reference.enumerated() {
      let exact = Closeness.worst(unrounded[index], reference)
      #expect(exact > 1e-3)
      #expect(Closeness.worst(found[index], reference) < (index == 0 ? 1e-5 : exact / 4))
    }
  }

  /// Two passes of two steps are one of four; the same pass again gives the same.
  @Test(arguments: ["LSTM", "RNN"], [(3, Float(1e-6)), (200, 1e-4)])
  func stateGoesOnInTheNextPass(
    _ type: String, _ size: (units: Int, tolerance: Float)
  ) throws {
    let (units, tolerance) = size
    var random = TestRandom(seed: 5)
    let x = random.values(16)
    let whole = LayerTestCase("", Self.settings(type, units: units), [[4, 2, 2], [4, 2]])
    let half = LayerTestCase("", Self.settings(type, units: units), [[2, 2, 2], [2, 2]])
    let expected = try whole.output([x, [0, 0, 1, 1, 1, 1, 1, 1]])
    let net = try half.net()
    var outputs: [Float] = []
    for (part, cont) in [(0, Float(0)), (1, 1)] {
      try half.fill(net, [Array(x[part * 8..<part * 8 + 8]), [cont, cont, 1, 1]])
      let layer = net.layers.count - 1
      try net.forward(layer: layer)
      try net.forward()
      outputs += try #require(net.blob("out0")).data.values
    }
    #expect(Closeness.worst(outputs, expected) < tolerance)
    // Resumed, it begins with zeros, as at first.
    try net.seek(toPass: 7)
    try half.fill(net, [Array(x[..<8]), [1, 1, 1, 1]])
    try net.forward()
    #expect(
      Closeness.worst(try #require(net.blob("out0")).data.values, Array(expected[..<(4 * units)]))
        < tolerance)
  }

  /// A net that takes up another's progress goes on as that one does; with other streams it begins anew.
  @Test(arguments: ["LSTM", "RNN"]) func stateTravelsInTheProgress(_ type: String) throws {
    var random = TestRandom(seed: 8)
    let layer = LayerTestCase("", Self.settings(type), [[2, 2, 3], [2, 2]])
    let inputs: [[Float]] = [random.values(12), Array(repeating: 1, count: 4)]
    let (first, second) = (try layer.net(), try layer.net())
    for _ in 0..<2 {
      try layer.fill(first, inputs)
      try first.forward()
    }
    let progress = first.progress
    #expect(progress.pass == 2 && progress.carried.map(\.layer) == [second.layers.last?.name])
    #expect(progress.carried.first?.blobs.count == (type == "LSTM" ? 2 : 1))
    try layer.fill(second, inputs)
    try second.resume(at: progress)
    for net in [first, second] { try net.forward() }
    let output = { (net: Net) in try #require(net.blob("out0")).data.values }
    #expect(try output(second) == output(first))
    #expect(try output(second) != layer.output(inputs))

    let wider = LayerTestCase("", Self.settings(type), [[2, 4, 3], [2, 4]])
    let other = try wider.net()
    var notes: [String] = []
    try other.resume(at: progress) { notes.append($0) }
    #expect(notes.count == 1 && notes[0].contains("begins anew"), "\(notes)")
    let exposed = LayerTestCase(
      "", Self.settings(type, "expose_hidden: true"),
      [[2, 2, 3], [2, 2]] + Array(repeating: [1, 2, 3], count: type == "LSTM" ? 2 : 1),
      tops: type == "LSTM" ? 3 : 2)
    #expect(try exposed.net().progress.carried.isEmpty)
  }

  /// Other numbers of steps and streams need no other net, and all streams begin with zeros.
  @Test(arguments: ["LSTM", "RNN"]) func stepsAndStreamsMayChange(_ type: String) throws {
    let net = try LayerTestCase("", Self.settings(type), [[4, 5, 2], [4, 5]]).net()
    try net.forward()
    let smaller = LayerTestCase("", Self.settings(type), [[3, 2, 2], [3, 2]])
    try #require(net.blob("in0")).reshape([3, 2, 2])
    try #require(net.blob("in1")).reshape([3, 2])
    var random = TestRandom(seed: 6)
    let inputs: [[Float]] = [random.values(12), Array(repeating: 1, count: 6)]
    try smaller.fill(net, inputs)
    try net.forward()
    let output = try #require(net.blob("out0"))
    #expect(output.shape.dimensions == [3, 2, 3])
    #expect(try output.data.values == smaller.output(inputs))
  }

  static let refused = [
    RefusedLayer(#"type: "LSTM""#, [[4, 2, 5], [4, 2]], "num_output must be positive, got 0"),
    RefusedLayer(settings("LSTM"), [[4], [4, 2]], "must have at least 2 axes"),
    RefusedLayer(settings("RNN"), [[4, 2, 5], [2, 4]], "(#timesteps, #streams) = 4 2"),
    RefusedLayer(
      settings("RNN"), [[4, 2, 5], [4, 2], [3, 2]], "the static input must have the 2 streams"),
    RefusedLayer(
      settings("LSTM", "expose_hidden: true"), [[4, 2, 5], [4, 2]], tops: 3,
      "LSTM Layer takes 4 to 5 bottom blob(s) with expose_hidden, got 2"),
    RefusedLayer(
      settings("LSTM"), [[4, 2, 5], [4, 2], [2, 2], [1, 2, 3]],
      "LSTM Layer takes 2 to 3 bottom blob(s) without expose_hidden, got 4"),
    RefusedLayer(
      settings("RNN", "expose_hidden: true"), [[4, 2, 5], [4, 2], [1, 2, 3]], tops: 1,
      "RNN Layer produces 2 top blob(s) with expose_hidden, got 1"),
    RefusedLayer(
      settings("RNN", "expose_hidden: true"), [[4, 2, 5], [4, 2], [1, 2, 4]], tops: 2,
      "bottom[2] shape must match hidden state input shape 1 2 3"),
  ]

  @Test(arguments: refused) func refuses(_ layer: RefusedLayer) { layer.expect() }

  @Test func refusesInputsOfAnotherSize() throws {
    let layer = LayerTestCase("", Self.settings("LSTM"), [[4, 2, 5], [4, 2]])
    let net = try layer.net()
    try #require(net.blob("in0")).reshape([4, 2, 6])
    expectError("each step of the input has 6 values, the weights take 5") { try net.forward() }
  }
}
