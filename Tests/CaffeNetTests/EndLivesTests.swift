import CaffeCore
import CaffeKernels
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// When the values of a blob are needed no more.
struct EndLivesTests {
  static let text = """
    layer { name: "in" type: "Input" top: "x" top: "t"
      input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } shape { dim: 2 } } }
    layer { name: "conv" type: "Convolution" bottom: "x" top: "c"
      convolution_param { num_output: 3 kernel_size: 1 weight_filler { type: "xavier" } } }
    layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" }
    layer { name: "act" type: "ReLU" bottom: "x" top: "r" }
    layer { name: "sum" type: "Eltwise" bottom: "c" bottom: "r" top: "e" }
    layer { name: "ip" type: "InnerProduct" bottom: "e" top: "s"
      inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "s" bottom: "t" top: "l" }
    """

  private func ends(
    reusingMemory: Bool, phase: Phase, operation: String = "SUM"
  ) throws -> [String: String] {
    var description = try TestNet.parse(
      Self.text.replacing(
        #"top: "e""#, with: #"top: "e" eltwise_param { operation: \#(operation) }"#))
    description.state.phase = phase
    let plan = try NetPlan(
      description, context: LayerContext(phase: phase, reusesMemory: reusingMemory),
      catalog: .standard)
    return Dictionary(
      uniqueKeysWithValues: plan.livesEnding().enumerated().flatMap { index, blobs in
        blobs.map { (plan.blobs[$0].name, plan.layers[index].parameter.name) }
      })
  }

  /// The gradient of an addition needs neither term, and BatchNorm keeps its own input; `e` is read
  /// again for the weights of `ip`, `s` and the labels for the gradient of the loss.
  @Test func valuesThatNoGradientNeedsEndWithTheirLastReader() throws {
    #expect(try ends(reusingMemory: true, phase: .train) == ["c": "sum", "r": "sum"])
    #expect(try ends(reusingMemory: true, phase: .train, operation: "PROD") == [:])
  }

  /// Except what the caller has put in.
  @Test func withoutGradientsAllButTheOutputEnds() throws {
    #expect(
      try ends(reusingMemory: true, phase: .test)
        == ["c": "sum", "r": "sum", "e": "ip", "s": "loss"])
    #expect(try ends(reusingMemory: false, phase: .test) == ["c": "sum", "r": "sum"])
  }

  /// Blobs whose values end before the backward pass, if layers compute the gradients of ReLUs below.
  private func endsWhereReLUsAreServed(_ layers: String) throws -> Set<String> {
    let text = """
      layer { name: "in" type: "Input" top: "x"
        input_param { shape { dim: 2 dim: 3 dim: 4 dim: 4 } } }
      layer { name: "a" type: "Convolution" bottom: "x" top: "a"
        convolution_param { num_output: 3 kernel_size: 1 } }
      layer { name: "relu" type: "ReLU" bottom: "a" top: "a" }
      \(layers)
      layer { name: "mean" type: "Pooling" bottom: "y" top: "z"
        pooling_param { pool: AVE global_pooling: true } }
      layer { name: "ip" type: "InnerProduct" bottom: "z" top: "s"
        inner_product_param { num_output: 3 } }
      layer { name: "loss" type: "Reduction" bottom: "s" top: "l" loss_weight: 1 }
      """
    let plan = try NetPlan(
      TestNet.parse(text), context: LayerContext(phase: .train, reusesMemory: true),
      catalog: .standard)
    let ends = plan.livesEnding(serving: plan.servedReLUs())
    #expect(plan.livesEnding().joined().allSatisfy { plan.blobs[$0].name != "a" })
    return Set(ends.joined().map { plan.blobs[$0].name })
  }

  /// Not what they made but the top from which the gradient is computed stays; not below a mean, or where
  /// another layer runs in place on the top.
  @Test func whatServedReLUsMadeEnds() throws {
    let pooling = """
      layer { name: "y" type: "Pooling" bottom: "a" top: "y" pooling_param { kernel_size: 2 } }

      """
    #expect(try endsWhereReLUsAreServed(pooling) == ["a"])
    #expect(
      try endsWhereReLUsAreServed(
        #"layer { name: "y" type: "Concat" bottom: "a" bottom: "x" top: "y" } "#) == ["a"])
    let mean = pooling.replacing("kernel_size: 2", with: "kernel_size: 2 pool: AVE")
    #expect(try endsWhereReLUsAreServed(mean) == ["y"])
    let norm = #"layer { name: "norm" type: "BatchNorm" bottom: "y" top: "y" }"#
    #expect(try endsWhereReLUsAreServed(pooling + norm) == ["y"])
  }

  /// An output that is a view of an inner blob is shown after the backward pass too.
  @Test func outputsUnderAnotherShapeStay() throws {
    let net = try Net(
      TestNet.parse(
        """
        layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
          inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
        layer { name: "flat" type: "Flatten" bottom: "y" top: "seen" }
        layer { name: "loss" type: "Reduction" bottom: "y" top: "l" loss_weight: 1 }
        """),
      context: LayerContext(phase: .train, reusesMemory: true))
    net.blob("x")?.data.values = [1, 2, 3, 4, 5, 6]
    try net.forward()
    let seen = try #require(net.blob("seen")).data.values
    try net.backward()
    #expect(seen.contains { $0 != 0 })
    #expect(net.outputs.first { $0.blob.name == "seen" }?.blob.data.values == seen)
  }

  /// In inference working memory is of the layer that runs, then of any blob.
  @Test(.enabled(if: InstructionSet.v4.isAvailable, "oneDNN's Winograd needs AVX-512"))
  func workingMemoryIsGivenBackAfterEachLayer() throws {
    var description = try TestNet.parse(
      Self.text.replacing(
        "num_output: 3 kernel_size: 1", with: "num_output: 64 kernel_size: 3 pad: 1"
      )
      .replacing("dim: 3 dim: 4 dim: 4", with: "dim: 64 dim: 12 dim: 12"))
    description.state.phase = .test
    let context = LayerContext(phase: .test, reusesMemory: true)
    let net = try Net(description, context: context)
    #expect(context.scratchpad.byteCount > 0)
    for index in net.layers.indices {
      try net.forward(layer: index)
      #expect(context.scratchpad.isResting)
    }
  }
}
