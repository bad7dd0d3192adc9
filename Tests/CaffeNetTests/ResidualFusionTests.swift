import CaffeCore
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Where nobody can look at blobs, the end of a residual block is one pass, and gives what its layers
/// give one by one.
struct ResidualFusionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Layers that make `y` of `c`, which has 16 channels.
    let layers: String
    /// What is fused into the layer `sum`.
    let fused: Set<String>
    var phases: [Phase] = [.train, .test]
  }

  private static let relu = #"layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }"#
  private static let sum =
    #"layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "c" top: "y" }"#

  private static func convolution(_ name: String, from bottom: String) -> String {
    """
    layer { name: "\(name)" type: "Convolution" bottom: "\(bottom)" top: "\(name)"
      convolution_param { num_output: 16 kernel_size: 3 pad: 1 bias_term: false
        weight_filler { type: "xavier" } } }
    """
  }

  private static func norm(_ blob: String, top: String? = nil, scale: Bool = true) -> String {
    let top = top ?? blob
    let factors = """
      layer { name: "scale_\(top)" type: "Scale" bottom: "\(top)" top: "\(top)"
        scale_param { bias_term: true filler { type: "gaussian" mean: 1 std: 0.2 }
          bias_filler { type: "gaussian" } } }
      """
    return """
      layer { name: "norm_\(top)" type: "BatchNorm" bottom: "\(blob)" top: "\(top)" }
      \(scale ? factors : "")
      """
  }

  private static let pooling = """
    layer { name: "a" type: "Pooling" bottom: "c" top: "a"
      pooling_param { kernel_size: 3 pad: 1 stride: 1 } }
    """

  static let cases = [
    Case(
      testDescription: "an identity beside it",
      layers: convolution("a", from: "c") + norm("a") + sum + relu,
      fused: ["norm_a", "relu", "y_relu_0_split"]),
    Case(
      testDescription: "no Scale and no ReLU",
      layers: convolution("a", from: "c") + norm("a", scale: false) + sum,
      fused: ["norm_a", "y_sum_0_split"]),
    Case(
      testDescription: "the second bottom",
      layers: convolution("a", from: "c") + norm("a")
        + sum.replacing(#"bottom: "a" bottom: "c""#, with: #"bottom: "c" bottom: "a""#) + relu,
      fused: ["norm_a", "relu", "y_relu_0_split"]),
    Case(
      testDescription: "both bottoms",
      layers: convolution("a", from: "c") + norm("a") + convolution("d", from: "c") + norm("d")
        + sum.replacing(#"bottom: "c""#, with: #"bottom: "d""#) + relu,
      fused: ["norm_a", "relu", "y_relu_0_split"]),
    Case(
      testDescription: "a BatchNorm with a top of its own",
      layers: convolution("b", from: "c") + norm("b", top: "a") + sum + relu,
      fused: ["norm_a", "relu", "y_relu_0_split"], phases: [.train]),
    Case(
      testDescription: "a BatchNorm with a top of its own, in testing",
      layers: convolution("b", from: "c") + norm("b", top: "a") + sum + relu,
      fused: ["relu"], phases: [.test]),
    Case(
      testDescription: "a BatchNorm that no filters take, in testing",
      layers: pooling + norm("a") + sum + relu,
      fused: ["norm_a", "relu"], phases: [.test]),
    Case(
      testDescription: "a ReLU of its own",
      layers: convolution("a", from: "c") + norm("a")
        + #"layer { name: "inner" type: "ReLU" bottom: "a" top: "a" }"# + sum + relu,
      fused: ["relu"]),
    Case(
      testDescription: "a Dropout above the sum",
      layers: convolution("a", from: "c") + norm("a") + sum + relu
        + #"layer { name: "drop" type: "Dropout" bottom: "y" top: "y" }"#,
      fused: ["relu"], phases: [.train]),
    Case(
      testDescription: "an input beside it, which needs no gradient",
      layers: convolution("a", from: "c") + norm("a")
        + sum.replacing(#"bottom: "c""#, with: #"bottom: "r""#) + relu,
      fused: ["relu"], phases: [.train]),
  ]

  /// - Parameter readers: of `y`; more than one of them need a Split.
  private func net(_ c: Case, phase: Phase, isFused: Bool, readers: Int = 2) throws -> Net {
    let heads = (0..<readers).map { reader in
      """
      layer { name: "ip\(reader)" type: "InnerProduct" bottom: "y" top: "s\(reader)"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
      layer { name: "loss\(reader)" type: "SoftmaxWithLoss" bottom: "s\(reader)" bottom: "t"
        top: "l\(reader)" }
      """
    }
    let text = """
      layer { name: "in" type: "Input" top: "x" top: "t" top: "r" input_param {
        shape { dim: 4 dim: 3 dim: 9 dim: 7 } shape { dim: 4 } shape { dim: 4 dim: 16 dim: 9 dim: 7 } } }
      \(Self.convolution("c", from: "x"))
      \(c.layers)
      \(heads.joined(separator: "\n"))
      """
    var description = try TestNet.parse(text)
    description.state.phase = phase
    let net = try Net(
      description,
      context: LayerContext(phase: phase, fusesLayers: isFused, reusesMemory: isFused, seed: 3))
    try fill(net, items: 4)
    return net
  }

  private func fill(_ net: Net, items: Int) throws {
    var random = TestRandom(seed: 4)
    for name in ["x", "t", "r"] {
      let blob = try #require(net.blob(name))
      blob.reshape(try Shape([items] + blob.shape.dimensions.dropFirst()))
      blob.data.values =
        name == "t" ? (0..<items).map { Float($0 % 3) } : random.spaced(blob.count)
    }
  }

  private func fusedIntoTheSum(_ net: Net) -> Set<String> {
    Set(net.layers.filter { $0.fusedInto?.hasPrefix("sum ") ?? false }.map(\.name))
  }

  private func expectSame(_ fused: Net, _ separate: Net) throws {
    for net in [fused, separate] {
      net.clearGradients()
      try net.forward()
      if net.phase == .train { try net.backward() }
    }
    for (a, b) in zip(fused.outputs, separate.outputs) {
      expectClose(a.blob.data.values, b.blob.data.values, a.blob.name)
    }
    for (a, b) in zip(fused.parameters, separate.parameters) {
      expectClose(a.blob.diff.values, b.blob.diff.values, "gradient of \(a.layer)")
      expectClose(a.blob.data.values, b.blob.data.values, a.layer)
    }
  }

  @Test(arguments: cases) func givesWhatItsLayersGive(_ c: Case) throws {
    for phase in c.phases {
      let (fused, separate) = (
        try net(c, phase: phase, isFused: true), try net(c, phase: phase, isFused: false)
      )
      if phase == c.phases[0] { #expect(fusedIntoTheSum(fused) == c.fused) }
      // Twice, and then with another number of items.
      for items in [4, 4, 2] {
        for net in [fused, separate] { try fill(net, items: items) }
        try expectSame(fused, separate)
      }
    }
  }

  /// A Split has as many gradients as there are readers; without one there is the sum's own.
  @Test(arguments: [1, 3, 4]) func joinsTheGradientsOfEveryReader(readers: Int) throws {
    let c = Self.cases[0]
    let fused = try net(c, phase: .train, isFused: true, readers: readers)
    #expect(fusedIntoTheSum(fused).contains("y_relu_0_split") == (readers > 1))
    try expectSame(fused, try net(c, phase: .train, isFused: false, readers: readers))
  }

  /// The gradient of a loss is there from the beginning, and nobody writes it again.
  @Test(arguments: [true, false]) func aSumInTheObjectiveKeepsItsGradient(isRead: Bool) throws {
    let norm = """
      layer { name: "n" type: "BatchNorm" bottom: "a" top: "a" }
      """
    let pair = try FusedPair(
      """
      layer { name: "in" type: "Input" top: "x"
        input_param { shape { dim: 4 dim: 3 dim: 9 dim: 7 } } }
      \(Self.convolution("c", from: "x"))
      \(Self.convolution("a", from: "c"))
      \(norm)
      \(Self.sum)
      layer { name: "relu" type: "ReLU" bottom: "y" top: "y" loss_weight: 0.1 }
      layer { name: "loss" type: "Reduction" bottom: "\(isRead ? "y" : "c")" top: "l"
        loss_weight: 1 reduction_param { operation: SUMSQ } }
      """)
    for _ in 0..<3 { try pair.expectSame() }
  }

  /// Whoever may look at the blobs of a net finds what each layer made.
  @Test func staysApartWhereBlobsCanBeSeen() throws {
    let description = try net(Self.cases[0], phase: .train, isFused: false).description
    let seen = try Net(description, context: LayerContext(phase: .train, seed: 3))
    #expect(fusedIntoTheSum(seen) == ["relu"])
  }
}
