import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Nets that only run forward, in programs that do not look at parameters: layers give up the values of
/// which they have a copy, and the net computes what it would with them.
struct LettingParametersGoTests {
  /// A convolution as it is, one that a BatchNorm and a Scale are folded into, and one with a group for
  /// every channel.
  private static let text = """
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 dim: 12 dim: 12 } } }
    layer { name: "first" type: "Convolution" bottom: "x" top: "a"
      convolution_param { num_output: 64 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
    layer { name: "folded" type: "Convolution" bottom: "a" top: "b"
      convolution_param { num_output: 64 kernel_size: 3 pad: 1 bias_term: false
        weight_filler { type: "xavier" } } }
    layer { name: "norm" type: "BatchNorm" bottom: "b" top: "b" }
    layer { name: "scale" type: "Scale" bottom: "b" top: "b" scale_param { bias_term: true
      filler { type: "gaussian" mean: 1 std: 0.2 } bias_filler { type: "gaussian" } } }
    layer { name: "each" type: "Convolution" bottom: "b" top: "c"
      convolution_param { num_output: 64 group: 64 kernel_size: 3 weight_filler { type: "xavier" } } }
    """

  private func net(
    keeping: Bool, _ choices: SpeedChoices? = nil, phase: Phase = .test, text: String = text,
    sharing: Net? = nil, precision: Precision = .float32
  ) throws -> Net {
    try Net(
      TestNet.parse(text),
      context: LayerContext(
        phase: phase, precision: precision, choices: choices, reusesMemory: true,
        keepsParameters: keeping, seed: 5),
      sharing: sharing)
  }

  private func run(_ net: Net, items: Int, output: String = "c") throws -> [Float] {
    let blob = try #require(net.blob("x"))
    blob.reshape(try Shape([items] + blob.shape.dimensions.dropFirst()))
    var random = TestRandom(seed: 6)
    blob.data.values = random.spaced(blob.count)
    try net.forward()
    return try #require(net.blob(output)).data.values
  }

  private func gone(_ net: Net) -> [String] {
    net.layers.filter { $0.parameters.first?.data.isGone ?? false }.map(\.name)
  }

  /// Other numbers of items need other operations, which take the weights from those before them.
  @Test(arguments: [false, true])
  func theNetComputesTheSame(onTiles: Bool) throws {
    let choices = onTiles ? FixedChoice.tiles : nil
    let (kept, going) = (try net(keeping: true, choices), try net(keeping: false, choices))
    for items in [4, 4, 1, 7, 2, 4] {
      #expect(try run(going, items: items) == run(kept, items: items), "\(items) items")
    }
    #expect(gone(kept).isEmpty)
    // What tiles make of filters cannot be turned back.
    #expect(gone(going) == (onTiles ? ["folded", "each"] : ["first", "folded", "each"]))
  }

  /// The loss throws before any other layer has run.
  @Test(.enabled(if: Precision.isBFloat16Native, "the processor has no bfloat16"))
  func roundedWeightsGoBeforeTheFirstLayerRuns() throws {
    let net = try net(
      keeping: false,
      text: """
        layer { name: "in" type: "Input" top: "x" top: "t"
          input_param { shape { dim: 4 dim: 300 } shape { dim: 4 } } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "x" bottom: "t" top: "l" }
        layer { name: "product" type: "InnerProduct" bottom: "x" top: "c"
          inner_product_param { num_output: 33 weight_filler { type: "xavier" } } }
        """, precision: .bfloat16)
    try #require(net.blob("t")).data.values = [300, 0, 0, 0]
    #expect(gone(net).isEmpty)
    #expect(throws: CaffeError.self) { try net.forward() }
    #expect(gone(net) == ["product"])
  }

  /// Weights in bfloat16 come back rounded, and are multiplied as before.
  @Test(.enabled(if: Precision.isBFloat16Native, "the processor has no bfloat16"))
  func roundedWeightsAreEnough() throws {
    let text =
      Self.text + """
        layer { name: "product" type: "InnerProduct" bottom: "c" top: "d"
          inner_product_param { num_output: 33 weight_filler { type: "xavier" } } }
        """
    let (kept, going) = (
      try net(keeping: true, text: text, precision: .bfloat16),
      try net(keeping: false, text: text, precision: .bfloat16)
    )
    for items in [4, 4, 1, 7, 2, 4] {
      let outputs = try [kept, going].map { try run($0, items: items, output: "d") }
      #expect(outputs[0] == outputs[1], "\(items) items")
    }
    #expect(gone(kept).isEmpty)
    #expect(gone(going) == ["first", "folded", "each", "product"])
  }

  @Test func weightsThatAreLoadedCount() throws {
    let (kept, going) = (try net(keeping: true), try net(keeping: false))
    for net in [kept, going] { _ = try run(net, items: 4) }
    for net in [kept, going] {
      var random = TestRandom(seed: 7)
      for parameter in net.parameters {
        parameter.blob.data.values = random.spaced(parameter.blob.count, 0.1, 1)
      }
    }
    #expect(gone(going).isEmpty)
    #expect(try run(going, items: 4) == run(kept, items: 4))
    #expect(gone(going) == ["first", "folded", "each"])
  }

  /// Values that another layer, another net or a gradient may need.
  @Test func whatOthersNeedStays() throws {
    let named = Self.text.replacing(
      #"name: "each" type: "Convolution""#,
      with: #"name: "each" type: "Convolution" param { name: "w" }"#)
    let twice =
      named
      + named.split(separator: "layer {").suffix(1).map {
        "layer {" + $0.replacing(#""each""#, with: #""again""#).replacing(#""c""#, with: #""d""#)
      }.joined()
    let shared = try net(keeping: false, text: twice)
    _ = try run(shared, items: 4)
    #expect(gone(shared) == ["first", "folded"])

    // It reports the parameters in each pass.
    let reporting = try net(keeping: false, text: "debug_info: true " + Self.text)
    for items in [4, 4] { _ = try run(reporting, items: items) }
    #expect(gone(reporting).isEmpty)

    let training = try net(keeping: false, phase: .train)
    _ = try run(training, items: 4)
    #expect(gone(training).isEmpty)
    let sharing = try net(keeping: false, sharing: training)
    _ = try run(sharing, items: 4)
    #expect(gone(sharing).isEmpty)
  }
}
