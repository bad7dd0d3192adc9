import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Batches that go through layers in parts: the same values as whole ones, in less memory.
struct MicroBatchTests {
  /// Enough for several micro-batches, whatever the number of threads, and not a multiple of their size.
  static let items = 4 * Threads.count + 3

  /// An inception module and a residual block, between layers that need all items.
  private static let text = """
    layer { name: "in" type: "Input" top: "raw" top: "m"
      input_param { shape { dim: \(items) dim: 3 dim: 12 dim: 12 }
        shape { dim: \(items) dim: 16 dim: 12 dim: 12 } } }
    layer { name: "mvn" type: "MVN" bottom: "raw" top: "x" }
    layer { name: "c" type: "Convolution" bottom: "x" top: "c"
      convolution_param { num_output: 16 kernel_size: 3 pad: 1 bias_term: false
        weight_filler { type: "xavier" } } }
    layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" }
    layer { name: "sc" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
    layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
    layer { name: "lrn" type: "LRN" bottom: "c" top: "n" }
    layer { name: "left" type: "Convolution" bottom: "n" top: "l"
      convolution_param { num_output: 16 kernel_size: 1 weight_filler { type: "xavier" } } }
    layer { name: "right" type: "Pooling" bottom: "n" top: "p"
      pooling_param { pool: MAX kernel_size: 3 stride: 1 pad: 1 } }
    layer { name: "cat" type: "Concat" bottom: "l" bottom: "p" top: "cat" }
    layer { name: "cut" type: "Slice" bottom: "cat" top: "a" top: "b" }
    layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" bottom: "m" top: "s" }
    layer { name: "drop" type: "Dropout" bottom: "s" top: "s" }
    layer { name: "small" type: "Pooling" bottom: "s" top: "small"
      pooling_param { pool: AVE kernel_size: 4 stride: 4 } }
    layer { name: "ip" type: "InnerProduct" bottom: "small" top: "ip"
      inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
    layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
    """

  private func context(dividing: Bool, report: @escaping (String) -> Void = { _ in })
    -> LayerContext
  {
    var context = LayerContext(phase: .test, reusesMemory: true, seed: 3, report: report)
    // Four images' worth of `c` and `n`.
    if dividing { context.mostBlobBytes = 4 * 2 * 16 * 144 * MemoryLayout<Float>.size }
    return context
  }

  private func net(_ text: String = Self.text, dividing: Bool) throws -> Net {
    try Net(TestNet.parse(text), context: context(dividing: dividing))
  }

  private func fill(_ net: Net, items: Int) throws {
    var random = TestRandom(seed: 8)
    for name in net.inputs {
      let blob = try #require(net.blob(name))
      blob.reshape(try Shape([items] + blob.shape.dimensions.dropFirst()))
      blob.data.values = random.spaced(blob.count)
    }
  }

  @Test func valuesAreThoseOfWholeBatches() throws {
    let (parts, whole) = (try net(dividing: true), try net(dividing: false))
    let types = parts.layers.map(\.type)
    #expect(types.filter { $0 == "TakeMicroBatch" }.count == 2)
    #expect(types.filter { $0 == "JoinMicroBatches" }.count == 1)
    #expect(!whole.layers.contains { $0.type.hasSuffix("MicroBatch") })
    // More items, fewer than threads, one, none.
    for items in [Self.items, Self.items + 9, 2, 1, 0, Self.items] {
      for net in [parts, whole] {
        try fill(net, items: items)
        try net.forward()
      }
      let (a, b) = (try #require(parts.blob("prob")), try #require(whole.blob("prob")))
      #expect(a.shape == b.shape)
      #expect(Closeness.worst(a.data.values, b.data.values) < 1e-5, "\(items) items")
    }
    // Layer by layer it is the same.
    for index in parts.layers.indices { try parts.forward(layer: index) }
    let (a, b) = (try #require(parts.blob("prob")), try #require(whole.blob("prob")))
    #expect(Closeness.worst(a.data.values, b.data.values) < 1e-5)
  }

  /// The layers in between have room for a micro-batch alone, and it ends where least is left over.
  @Test func theSweepEndsWhereLittleIsLeft() throws {
    // Room for 32 channels: the sum takes 48, what is below it more, the pooling above it 17.
    var context = context(dividing: true)
    context.mostBlobBytes = Self.items * 32 * 144 * MemoryLayout<Float>.size
    let net = try Net(TestNet.parse(Self.text), context: context)
    let taken = try #require(net.layers.last { $0.type == "TakeMicroBatch" })
    let joined = try #require(net.layers.first { $0.type == "JoinMicroBatches" })
    #expect(taken.bottom[0].name == "x")
    #expect(joined.bottom[0].name == "small")
    #expect(joined.top[0].shape[0] == Self.items)
    let size = taken.top[0].shape[0]
    #expect(size < Self.items && size >= Threads.count)
    #expect(try #require(net.layer("cat")).top[0].shape[0] == size)
    #expect(net.blob("small") === joined.top[0])
  }

  /// What the net gives of layers in a sweep is of the whole batch, and in the order it had.
  @Test func outputsOfTheSweepAreWhole() throws {
    let text = Self.text.replacing(
      #"layer { name: "ip""#,
      with: #"layer { name: "more" type: "ReLU" bottom: "l" top: "more" } layer { name: "ip""#)
    let (parts, whole) = (try net(text, dividing: true), try net(text, dividing: false))
    let joined = try #require(
      parts.layers.first { $0.top.first?.name == "more" && $0.bottom.count == 2 })
    #expect(joined.bottom[0].data.layout != nil)
    #expect(joined.top[0].data.orderName == joined.bottom[0].data.orderName)
    for net in [parts, whole] {
      try fill(net, items: Self.items)
      try net.forward()
    }
    #expect(parts.outputs.map(\.blob.name) == ["more", "prob"])
    #expect(parts.outputs.map(\.blob.shape) == whole.outputs.map(\.blob.shape))
    for (a, b) in zip(parts.outputs, whole.outputs) {
      #expect(Closeness.worst(a.blob.data.values, b.blob.data.values) < 1e-5, "\(a.blob.name)")
    }
  }

  /// What one sweep leaves may go into a later one.
  @Test func sweepsFollowOneAnother() throws {
    let text = """
      layer { name: "in" type: "Input" top: "x"
        input_param { shape { dim: \(Self.items) dim: 3 dim: 12 dim: 12 } } }
      layer { name: "a" type: "Convolution" bottom: "x" top: "a"
        convolution_param { num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
      layer { name: "p" type: "Pooling" bottom: "a" top: "p" pooling_param { kernel_size: 2 stride: 2 } }
      layer { name: "mvn" type: "MVN" bottom: "x" top: "m" }
      layer { name: "b" type: "Convolution" bottom: "p" top: "b"
        convolution_param { num_output: 160 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
      layer { name: "q" type: "Pooling" bottom: "b" top: "q"
        pooling_param { pool: AVE global_pooling: true } }
      layer { name: "end" type: "Reduction" bottom: "m" top: "end" reduction_param { axis: 1 } }
      """
    let (parts, whole) = (try net(text, dividing: true), try net(text, dividing: false))
    #expect(parts.layers.filter { $0.type == "TakeMicroBatch" }.count == 2)
    for net in [parts, whole] {
      try fill(net, items: Self.items)
      try net.forward()
    }
    for (a, b) in zip(parts.outputs, whole.outputs) {
      #expect(Closeness.worst(a.blob.data.values, b.blob.data.values) < 1e-5, "\(a.blob.name)")
    }
  }

  @Test func whoMayLookSeesWholeBatches() throws {
    var context = LayerContext(phase: .test)
    context.mostBlobBytes = 1
    let net = try Net(TestNet.parse(Self.text), context: context)
    #expect(net.layers.allSatisfy { !$0.type.hasSuffix("MicroBatch") })
    #expect(net.blob("c")?.shape[0] == Self.items)
  }

  /// The log is of the net as it is described: programs read it.
  @Test func theSetUpLogIsThatOfTheDescription() throws {
    final class Lines { var all: [String] = [] }
    let (parts, whole) = (Lines(), Lines())
    for (lines, dividing) in [(parts, true), (whole, false)] {
      _ = try Net(
        TestNet.parse(Self.text), context: context(dividing: dividing) { lines.all.append($0) })
    }
    #expect(parts.all == whole.all && parts.all.contains("Creating Layer cat"))
  }

  @Test func theNetNeedsLessMemory() throws {
    let context = context(dividing: true)
    let plan = try NetPlan(TestNet.parse(Self.text), context: context, catalog: .standard)
    let divided = try plan.dividingBatches(above: context.mostBlobBytes, context: context)
    func bytes(_ plan: NetPlan) -> Int {
      plan.leastMemory(ending: plan.livesEnding(), ownsParameters: true)
    }
    #expect(bytes(divided) < bytes(plan))
    let roomy = try plan.dividingBatches(above: 1 << 30, context: context)
    #expect(roomy.layers.count == plan.layers.count)
  }

  @Test func itemsMustBeAsMany() throws {
    let net = try net(dividing: true)
    try fill(net, items: Self.items)
    let other = try #require(net.blob("m"))
    other.reshape(try Shape([Self.items + 1] + other.shape.dimensions.dropFirst()))
    let error = #expect(throws: CaffeError.self) { try net.forward() }
    #expect(
      error?.message
        == "the blobs that go into these layers must have as many items, got \(Self.items + 1) and \(Self.items)"
    )
  }

  /// Of batch, most items: the size, and where micro-batches begin.
  @Test(arguments: [
    (8, 4, 4, [0, 4]), (10, 4, 4, [0, 4, 6]), (9, 4, 3, [0, 3, 6]), (7, 9, 7, [0]),
    (5, 1, 1, [0, 1, 2, 3, 4]),
    (16, 5, 4, [0, 4, 8, 12]), (0, 4, 0, [0]),
  ])
  func sizes(items: Int, most: Int, size: Int, starts: [Int]) throws {
    let batches = MicroBatches(mostItems: most)
    #expect(batches.size(of: items) == size)
    let count = try batches.begin([items, items])
    #expect(count == starts.count)
    #expect(
      (0..<count).map { number in
        batches.advance(to: number)
        return batches.firstItem
      } == starts)
  }
}
