import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeNet
import CaffeTestSupport
import Testing

@Suite struct ConvolutionTests {
  /// Filters for another number of channels would be read beyond their end.
  @Test(arguments: ["Convolution", "Deconvolution"])
  func bottomsMustKeepTheChannelsOfTheFilters(type: String) throws {
    let net = try TestNet.make(
      """
      layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
      layer { name: 'c' type: '\(type)' bottom: 'x' top: 'y' convolution_param { num_output: 3 kernel_size: 2 } }
      """)
    net.blob("x")?.reshape([1, 5, 4, 4])
    let message = refusal { try net.reshape() }
    #expect(message.contains("the filters were made for shape"), "\(message)")
    net.blob("x")?.reshape([3, 2, 6, 4])
    try net.forward()
    #expect(net.blob("y")?.shape[0] == 3)
  }

  /// 3x3 and 5x5 windows in a chain, one in groups, with a ReLU to be taken along.
  private static func chain(_ context: LayerContext) throws -> Net {
    try Net(
      TestNet.parse(
        """
        force_backward: true
        layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 32 dim: 9 dim: 11 } } }
        layer { name: 'a' type: 'Convolution' bottom: 'x' top: 'a' convolution_param {
          num_output: 48 kernel_size: 3 pad: 1 weight_filler { type: 'xavier' } bias_filler { value: 0.1 } } }
        layer { name: 'relu' type: 'ReLU' bottom: 'a' top: 'a' relu_param { negative_slope: 0.2 } }
        layer { name: 'b' type: 'Convolution' bottom: 'a' top: 'y' convolution_param {
          num_output: 32 kernel_size: 3 bias_term: false weight_filler { type: 'xavier' } } }
        layer { name: 'c' type: 'Convolution' bottom: 'y' top: 'z' convolution_param {
          num_output: 64 kernel_size: 5 pad: 2 group: 2 weight_filler { type: 'xavier' } } }
        """),
      context: context)
  }

  @Test func tilesComputeWhatTheDefinitionDoes() throws {
    let net = try Self.chain(LayerContext(phase: .train, choices: FixedChoice.tiles))
    for layer in net.layers where layer.type == "Convolution" {
      #expect(layer.engine.engine == .caffe)
      #expect(layer.engine.implementation?.hasPrefix("winograd:") == true)
    }
    let definition = try Self.chain(LayerContext(phase: .train, engine: .caffe))
    for (to, from) in zip(net.parameters, definition.parameters) {
      to.blob.data.values = from.blob.data.values
    }
    func run(_ net: Net) throws -> [[Float]] {
      let (x, z) = (try #require(net.blob("x")), try #require(net.blob("z")))
      x.data.values = (0..<x.count).map { Float($0 * 31 % 97) / 97 - 0.5 }
      try net.forward()
      z.diff.values = (0..<z.count).map { Float($0 * 57 % 97) / 97 - 0.5 }
      net.clearGradients()
      try net.backward()
      return [z.data.values, x.diff.values] + net.parameters.map { $0.blob.diff.values }
    }
    for (found, expected) in zip(try run(net), try run(definition)) {
      #expect(Closeness.worst(found, expected) < 1e-4)
    }
  }

  /// Keeps every key, and knows no answer.
  private final class Keys: SpeedChoices.Memory {
    var all: [String] = []

    func choice(for key: String) -> String? { nil }
    func keep(_ choice: String, for key: String) -> String {
      all.append(key)
      return choice
    }
  }

  /// A convolution that learns nothing but passes a gradient on has no working memory for that of its
  /// filters.
  @Test func trialsRunThePassesThatAreWanted() throws {
    let keys = Keys()
    _ = try Net(
      TestNet.parse(
        """
        layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 16 dim: 8 dim: 8 } } }
        layer { name: 'a' type: 'Convolution' bottom: 'x' top: 'a'
          convolution_param { num_output: 16 kernel_size: 3 weight_filler { type: 'xavier' } } }
        layer { name: 'frozen' type: 'Convolution' bottom: 'a' top: 'b' param { lr_mult: 0 } param { lr_mult: 0 }
          convolution_param { num_output: 32 kernel_size: 5 weight_filler { type: 'xavier' } } }
        layer { name: 'l' type: 'Reduction' bottom: 'b' top: 'l' loss_weight: 1 }
        """),
      context: LayerContext(phase: .train, choices: SpeedChoices(machine: "here", memory: keys)))
    let passes = keys.all.map {
      $0.contains(" no weights ") ? "no weights" : $0.contains(" no input ") ? "no input" : ""
    }
    #expect(passes == ["no input", "no weights"])
  }

  /// The blob that learns gets the gradient it would get beside one that learns too; the other keeps its zeros,
  /// which clipping by the norm of all gradients must not see.
  @Test(arguments: [0, 1], [Engine.caffe, .oneDNN, nil])
  func aFrozenBlobGetsNoGradient(frozen: Int, engine: Engine?) throws {
    func gradients(rates: [Int]) throws -> [[Float]] {
      let specs = rates.map { "param { lr_mult: \($0) }" }.joined(separator: " ")
      let net = try Net(
        TestNet.parse(
          """
          layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: 2 dim: 16 dim: 6 dim: 5 } } }
          layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'y' \(specs) convolution_param {
            num_output: 32 kernel_size: 3 pad: 1 group: 2 weight_filler { type: 'xavier' } } }
          layer { name: 'l' type: 'Reduction' bottom: 'y' top: 'l' loss_weight: 1 reduction_param { operation: SUMSQ } }
          """),
        context: LayerContext(
          phase: .train, engine: engine, choices: engine == nil ? FixedChoice.tiles : nil))
      let x = try #require(net.blob("x"))
      x.data.values = (0..<x.count).map { Float($0 * 31 % 97) / 97 - 0.5 }
      net.clearGradients()
      try net.forward()
      try net.backward()
      return net.parameters.map { $0.blob.diff.values }
    }
    let found = try gradients(rates: [frozen == 0 ? 0 : 1, frozen == 1 ? 0 : 1])
    let both = try gradients(rates: [1, 1])
    #expect(found[frozen].allSatisfy { $0 == 0 })
    #expect(Closeness.worst(found[1 - frozen], both[1 - frozen]) < 1e-5)
    #expect(both.allSatisfy { $0.contains { $0 != 0 } })
  }

  @Test func aNamedEngineIsKeptTo() throws {
    let context = LayerContext(phase: .train, engine: .oneDNN, choices: FixedChoice.tiles)
    for layer in try Self.chain(context).layers where layer.type == "Convolution" {
      #expect(layer.engine.engine == .oneDNN)
    }
  }

  /// Four items of this size need 120 MB for Winograd's tiles, one needs 35 MB.
  @Test func aBatchInPartsIsAsItsItemsOneByOne() throws {
    func net(items: Int) throws -> Net {
      let net = try TestNet.make(
        """
        force_backward: true
        layer { name: 'in' type: 'Input' top: 'x' input_param { shape { dim: \(items) dim: 128 dim: 112 dim: 112 } } }
        layer { name: 'c' type: 'Convolution' bottom: 'x' top: 'y' convolution_param {
          num_output: 128 kernel_size: 3 pad: 1 weight_filler { type: 'xavier' } bias_filler { value: 0.5 } } }
        """)
      return net
    }
    let (together, single) = (try net(items: 4), try net(items: 1))
    for (to, from) in zip(single.parameters, together.parameters) {
      to.blob.data.values = from.blob.data.values
    }
    func blobs(_ net: Net) throws -> (x: Blob, y: Blob) {
      (try #require(net.blob("x")), try #require(net.blob("y")))
    }
    let (all, one) = (try blobs(together), try blobs(single))
    let count = one.x.count
    func numbers(_ factor: Int) -> [Float] {
      (0..<4 * count).map { Float($0 % 9973 * factor % 97) / 97 - 0.5 }
    }
    let (x, gradient) = (numbers(31), numbers(57))
    all.x.data.values = x
    try together.forward()
    all.y.diff.values = gradient
    together.clearGradients()
    try together.backward()
    single.clearGradients()
    for item in 0..<4 {
      let part = item * count..<(item + 1) * count
      one.x.data.values = Array(x[part])
      try single.forward()
      one.y.diff.values = Array(gradient[part])
      try single.backward()
      #expect(Closeness.worst(Array(all.y.data.values[part]), one.y.data.values) < 1e-4)
      #expect(Closeness.worst(Array(all.x.diff.values[part]), one.x.diff.values) < 1e-4)
    }
    for (found, expected) in zip(together.parameters, single.parameters) {
      #expect(Closeness.worst(found.blob.diff.values, expected.blob.diff.values) < 1e-3)
    }
  }
}
