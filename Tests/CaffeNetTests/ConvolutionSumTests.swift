import CaffeCore
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// In inference, where nobody can look, a Convolution adds to the other summand of the Eltwise above it.
struct ConvolutionSumTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Layers that make `y` of `x`, which has 16 channels.
    let layers: String
    /// Into what the layer `sum` is fused.
    var host: String? = "b (forward)"
  }

  private static func convolution(
    _ name: String, from bottom: String, kernel: Int = 1, channels: Int = 16
  ) -> String {
    """
    layer { name: "\(name)" type: "Convolution" bottom: "\(bottom)" top: "\(name)"
      convolution_param { num_output: \(channels) kernel_size: \(kernel) pad: \(kernel / 2)
        weight_filler { type: "xavier" } } }
    """
  }

  private static func sum(_ other: String = "x", settings: String = "") -> String {
    """
    layer { name: "sum" type: "Eltwise" bottom: "\(other)" bottom: "b" top: "y" \(settings) }
    """
  }

  private static func relu(_ blob: String, slope: Float = 0) -> String {
    """
    layer { name: "relu_\(blob)" type: "ReLU" bottom: "\(blob)" top: "\(blob)"
      relu_param { negative_slope: \(slope) } }
    """
  }

  private static let norm = """
    layer { name: "norm" type: "BatchNorm" bottom: "b" top: "b" }
    layer { name: "scale" type: "Scale" bottom: "b" top: "b" scale_param { bias_term: true
      filler { type: "gaussian" mean: 1 std: 0.2 } bias_filler { type: "gaussian" } } }
    """

  /// `a`, and `b` of it.
  private static let branch = convolution("a", from: "x") + relu("a") + convolution("b", from: "a")

  static let cases = [
    Case(testDescription: "identity", layers: branch + norm + sum() + relu("y")),
    Case(testDescription: "no ReLU", layers: branch + sum()),
    Case(testDescription: "leaky ReLU", layers: branch + sum() + relu("y", slope: 0.1)),
    Case(
      testDescription: "projection",
      layers: convolution("p", from: "x") + branch + norm + sum("p") + relu("y")),
    Case(
      testDescription: "projection above the branch",
      layers: branch + norm + convolution("p", from: "x") + sum("p") + relu("y"),
      host: "p (forward)"),
    Case(
      testDescription: "the sum's other bottom is the first",
      layers: branch
        + #"layer { name: "sum" type: "Eltwise" bottom: "b" bottom: "x" top: "y" }"# + relu("y")),
    Case(
      testDescription: "channels-last",
      layers: convolution("q", from: "x", channels: 20) + convolution("a", from: "q", channels: 20)
        + relu("a") + convolution("b", from: "a", channels: 20) + sum("q") + relu("y")),
    Case(
      testDescription: "the convolution reads the summand",
      layers: convolution("b", from: "x") + sum() + relu("y"), host: nil),
    Case(
      testDescription: "a ReLU before the sum", layers: branch + relu("b") + sum() + relu("y"),
      host: nil),
    Case(
      testDescription: "another reader of the convolution",
      layers: branch + sum() + #"layer { name: "more" type: "AbsVal" bottom: "b" top: "more" }"#,
      host: nil),
    Case(
      testDescription: "a later reader of the summand",
      layers: branch + sum() + #"layer { name: "more" type: "AbsVal" bottom: "x" top: "more" }"#,
      host: nil),
    Case(
      testDescription: "factors",
      layers: branch + sum(settings: "eltwise_param { coeff: [1, -1] }"),
      host: nil),
    Case(
      testDescription: "maximum",
      layers: branch + sum(settings: "eltwise_param { operation: MAX }"), host: nil),
    Case(
      testDescription: "twice the same",
      layers: branch + #"layer { name: "sum" type: "Eltwise" bottom: "b" bottom: "b" top: "y" }"#,
      host: nil),
  ]

  private func net(_ layers: String, unseen: Bool, _ choices: SpeedChoices? = nil) throws -> Net {
    let text = """
      layer { name: "in" type: "Input" top: "in"
        input_param { shape { dim: 4 dim: 3 dim: 9 dim: 7 } } }
      \(Self.convolution("x", from: "in", kernel: 3))
      \(layers)
      layer { name: "end" type: "Pooling" bottom: "y" top: "end"
        pooling_param { pool: AVE global_pooling: true } }
      """
    return try Net(
      TestNet.parse(text),
      context: LayerContext(
        phase: .test, fusesLayers: unseen, choices: choices, reusesMemory: unseen, seed: 3))
  }

  private func run(_ net: Net, items: Int) throws -> [[Float]] {
    let blob = try #require(net.blob("in"))
    blob.reshape(try Shape([items] + blob.shape.dimensions.dropFirst()))
    var random = TestRandom(seed: 4)
    blob.data.values = random.spaced(blob.count)
    try net.forward()
    return net.outputs.map(\.blob.data.values)
  }

  @Test(arguments: cases)
  func givesWhatTheLayersGiveOneByOne(_ c: Case) throws {
    let (fused, separate) = (
      try net(c.layers, unseen: true), try net(c.layers, unseen: false)
    )
    #expect(try #require(fused.layer("sum")).fusedInto == c.host)
    for items in [4, 4, 1, 6] {
      for (a, b) in zip(try run(fused, items: items), try run(separate, items: items)) {
        #expect(Closeness.worst(a, b) < 1e-5, "\(items) items")
      }
    }
  }

  /// Transformed tiles overwrite: the sum stays a pass of its own.
  @Test func tilesDoNotAdd() throws {
    let layers =
      Self.convolution("a", from: "x") + Self.convolution("b", from: "a", kernel: 3) + Self.sum()
    let (tiles, separate) = (
      try net(layers, unseen: true, FixedChoice.tiles), try net(layers, unseen: false)
    )
    #expect(try #require(tiles.layer("b")).engine.implementation?.contains("winograd") ?? false)
    #expect(try #require(tiles.layer("sum")).fusedInto == nil)
    for (a, b) in zip(try run(tiles, items: 4), try run(separate, items: 4)) {
      #expect(Closeness.worst(a, b) < 1e-5)
    }
  }
}
