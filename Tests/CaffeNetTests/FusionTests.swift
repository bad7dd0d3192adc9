import CaffeCore
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Layers that work in place on the top of another are run together with it, and nobody can tell.
struct FusionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let layers: String
    /// What is fused into what.
    let fused: [String: String]
  }

  static let cases = [
    Case(
      testDescription: "Convolution and ReLU",
      layers: """
        layer { name: "host" type: "Convolution" bottom: "x" top: "y"
          convolution_param { num_output: 20 kernel_size: 3 weight_filler { type: "xavier" }
            bias_filler { type: "gaussian" } } }
        layer { name: "relu" type: "ReLU" bottom: "y" top: "y" relu_param { negative_slope: 0.1 } }
        """,
      fused: ["relu": "host (forward)"]),
    Case(
      testDescription: "BatchNorm, Scale and ReLU in place on a Convolution",
      layers: """
        layer { name: "conv" type: "Convolution" bottom: "x" top: "y"
          convolution_param { num_output: 20 kernel_size: 1 weight_filler { type: "xavier" } } }
        layer { name: "host" type: "BatchNorm" bottom: "y" top: "y" }
        layer { name: "scale" type: "Scale" bottom: "y" top: "y" scale_param { bias_term: true
          filler { type: "gaussian" } bias_filler { type: "gaussian" } } }
        layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
        """,
      fused: ["scale": "host (forward and backward)", "relu": "host (forward and backward)"]),
    Case(
      testDescription: "BatchNorm with a top of its own, and a Scale",
      layers: """
        layer { name: "conv" type: "Convolution" bottom: "x" top: "c"
          convolution_param { num_output: 5 kernel_size: 1 weight_filler { type: "xavier" } } }
        layer { name: "host" type: "BatchNorm" bottom: "c" top: "y" }
        layer { name: "scale" type: "Scale" bottom: "y" top: "y"
          scale_param { filler { type: "gaussian" } } }
        """,
      fused: ["scale": "host (forward and backward)"]),
    Case(
      testDescription: "a Scale that learns above a BatchNorm whose gradient nobody needs",
      layers: """
        layer { name: "host" type: "BatchNorm" bottom: "x" top: "y" }
        layer { name: "scale" type: "Scale" bottom: "y" top: "y"
          scale_param { filler { type: "gaussian" } } }
        """,
      fused: [:]),
    Case(
      testDescription: "the sum of two Convolutions, and ReLU",
      layers: sum(""),
      fused: ["relu": "host (forward and backward)"]),
    Case(
      testDescription: "a weighted sum, and ReLU",
      layers: sum("eltwise_param { coeff: 1 coeff: -2 }"),
      fused: [:]),
    Case(
      testDescription: "a ReLU that is not the only reader",
      layers: """
        layer { name: "host" type: "Convolution" bottom: "x" top: "c"
          convolution_param { num_output: 5 kernel_size: 1 weight_filler { type: "xavier" } } }
        layer { name: "relu" type: "ReLU" bottom: "c" top: "r" }
        layer { name: "both" type: "Eltwise" bottom: "c" bottom: "r" top: "y" }
        """,
      fused: [:]),
  ]

  private static func sum(_ settings: String) -> String {
    """
    layer { name: "a" type: "Convolution" bottom: "x" top: "a"
      convolution_param { num_output: 5 kernel_size: 1 weight_filler { type: "xavier" } } }
    layer { name: "b" type: "Convolution" bottom: "x" top: "b"
      convolution_param { num_output: 5 kernel_size: 1 weight_filler { type: "xavier" } } }
    layer { name: "host" type: "Eltwise" bottom: "a" bottom: "b" top: "y" \(settings) }
    layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
    """
  }

  private func net(
    _ c: Case, phase: Phase, fuses: Bool, head: String = "", engine: Engine? = nil
  ) throws -> Net {
    let text = """
      \(head)
      layer { name: "in" type: "Input" top: "x" top: "t"
        input_param { shape { dim: 4 dim: 3 dim: 6 dim: 5 } shape { dim: 4 } } }
      \(c.layers)
      layer { name: "ip" type: "InnerProduct" bottom: "y" top: "s"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
      layer { name: "loss" type: "SoftmaxWithLoss" bottom: "s" bottom: "t" top: "l" }
      """
    var description = try TestNet.parse(text)
    description.state.phase = phase
    let net = try Net(
      description,
      context: LayerContext(phase: phase, engine: engine, fusesLayers: fuses, seed: 3))
    var random = TestRandom(seed: 4)
    net.blob("x")?.data.values = random.spaced(4 * 3 * 6 * 5)
    net.blob("t")?.data.values = [0, 1, 2, 1]
    return net
  }

  private func fusions(_ net: Net) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: net.layers.compactMap { layer in
        layer.fusedInto.map { (layer.name, $0) }
      })
  }

  @Test(arguments: cases, [Phase.train, .test])
  func changesNothingThatCanBeSeen(_ c: Case, phase: Phase) throws {
    let (fused, separate) = (
      try net(c, phase: phase, fuses: true), try net(c, phase: phase, fuses: false)
    )
    #expect(fusions(fused) == c.fused)
    #expect(fusions(separate) == [:])
    for _ in 0..<2 {
      for net in [fused, separate] {
        net.clearGradients()
        try net.forward()
        try net.backward()
      }
      for name in fused.blobNames {
        let (a, b) = (try #require(fused.blob(name)), try #require(separate.blob(name)))
        expectClose(a.data.values, b.data.values, "\(name)")
      }
      for (a, b) in zip(fused.parameters, separate.parameters) {
        expectClose(a.blob.diff.values, b.blob.diff.values, "gradient of \(a.layer)")
        expectClose(a.blob.data.values, b.blob.data.values, "\(a.layer)")
      }
    }
  }

  /// A convolution for inference with everything behind it, its statistics and factors not trivial.
  private func deployed(
    bias: Bool, scale: String, fuses: Bool, rows: Int, choices: SpeedChoices?
  ) throws -> Net {
    let text = """
      layer { name: "in" type: "Input" top: "x"
        input_param { shape { dim: 2 dim: 3 dim: \(rows) dim: 5 } } }
      layer { name: "conv" type: "Convolution" bottom: "x" top: "y" convolution_param {
        num_output: 20 kernel_size: 3 bias_term: \(bias) weight_filler { type: "xavier" }
        bias_filler { type: "gaussian" } } }
      layer { name: "norm" type: "BatchNorm" bottom: "y" top: "y" }
      \(scale)
      layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }
      """
    let net = try Net(
      try TestNet.parse(text),
      context: LayerContext(phase: .test, fusesLayers: fuses, choices: choices, seed: 3))
    var random = TestRandom(seed: 5)
    net.blob("x")?.data.values = random.spaced(2 * 3 * rows * 5)
    for parameter in net.parameters where parameter.layer == "norm" {
      parameter.blob.data.values = random.spaced(parameter.blob.count).map { abs($0) + 0.5 }
    }
    return net
  }

  @Test(
    arguments: [true, false],
    [
      "",
      """
      layer { name: "scale" type: "Scale" bottom: "y" top: "y" scale_param { bias_term: true
        filler { type: "gaussian" mean: 1 std: 0.5 } bias_filler { type: "gaussian" } } }
      """,
      """
      layer { name: "scale" type: "Scale" bottom: "y" top: "y" scale_param {
        filler { type: "gaussian" mean: 1 std: 0.5 } } }
      """,
    ])
  func normalizationIsWorkedIntoTheFilters(bias: Bool, scale: String) throws {
    // Few tiles, whose transformed filters are kept, and many.
    for (rows, choices) in [(6, nil), (6, FixedChoice.tiles), (102, FixedChoice.tiles)] {
      try expectFolding(bias: bias, scale: scale, rows: rows, choices: choices)
    }
  }

  private func expectFolding(bias: Bool, scale: String, rows: Int, choices: SpeedChoices?) throws {
    let (fused, separate) = (
      try deployed(bias: bias, scale: scale, fuses: true, rows: rows, choices: choices),
      try deployed(bias: bias, scale: scale, fuses: false, rows: rows, choices: nil)
    )
    let code = try #require(fused.layer("conv")?.engine.implementation)
    #expect(code.contains("winograd") == (choices != nil))
    let names = ["norm", "relu"] + (scale.isEmpty ? [] : ["scale"])
    #expect(
      fusions(fused) == Dictionary(uniqueKeysWithValues: names.map { ($0, "conv (forward)") }))
    for changed in [nil, nil] + fused.parameters.indices.map(Optional.some) {
      for net in [fused, separate] {
        if let changed {
          let blob = net.parameters[changed].blob
          blob.data.values = blob.data.values.map { 1.25 * $0 }
        }
        try net.forward()
      }
      let (a, b) = (try #require(fused.blob("y")), try #require(separate.blob("y")))
      expectClose(a.data.values, b.data.values, "after a change of parameter \(changed ?? -1)")
    }
  }

  /// The definition runs layer by layer, and so does a net that reports each.
  @Test func staysApartOnTheEngineCaffeAndUnderDebugInfo() throws {
    let c = Self.cases[1]
    #expect(fusions(try net(c, phase: .train, fuses: true, engine: .caffe)) == [:])
    #expect(fusions(try net(c, phase: .train, fuses: true, head: "debug_info: true")) == [:])
  }

  @Test func isDecidedAnewForOtherShapes() throws {
    let net = try net(Self.cases[1], phase: .test, fuses: true)
    net.blob("x")?.reshape([2, 3, 6, 5])
    net.blob("t")?.reshape([2])
    try net.reshape()
    #expect(fusions(net) == Self.cases[1].fused)
    try net.forward()
  }
}
