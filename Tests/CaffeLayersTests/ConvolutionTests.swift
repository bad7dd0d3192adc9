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

  /// A convolution of small numbers, with the gradient of its top; numbers are those of BVLC Caffe 1.0.0
  /// (Debian 11's package, CPU, OpenBLAS).
  private static func net(
    _ type: String, _ bottom: [Int], _ settings: String, _ parameters: [[Float]],
    gradient: [Float], engine: Engine? = nil
  ) throws -> Net {
    let dims = bottom.map { "dim: \($0)" }.joined(separator: " ")
    let net = try TestNet.make(
      """
      force_backward: true
      layer { name: 'in' type: 'Input' top: 'x' input_param { shape { \(dims) } } }
      layer { name: 'c' type: '\(type)' bottom: 'x' top: 'y' convolution_param { \(settings) } }
      """, engine: engine)
    for (to, values) in zip(net.parameters, parameters) { to.blob.data.values = values }
    let (x, y) = (try #require(net.blob("x")), try #require(net.blob("y")))
    x.data.values = (1...x.count).map { Float($0) }
    try net.forward()
    y.diff.values = gradient
    net.clearGradients()
    try net.backward()
    return net
  }

  //  1 2      1 2 3
  //  3 4  ⋆   4 5 6  = 1·1 + 2·2 + 3·4 + 4·5 = 37
  //           7 8 9
  /// A window that overhangs by less than a stride counts once; beyond the bottom is 0.
  @Test(arguments: [nil, Engine.caffe])
  func theOnlyWindowMayOverhang(engine: Engine?) throws {
    let filter = (1...9).map { Float($0) }
    let net = try Self.net(
      "Convolution", [1, 1, 2, 2], "num_output: 1 kernel_size: 3 stride: 2", [filter, [0.5]],
      gradient: [2], engine: engine)
    #expect(net.blob("y")?.shape == [1, 1, 1, 1])
    #expect(net.blob("y")?.data.values == [37.5])
    #expect(net.blob("x")?.diff.values == [2, 4, 8, 10])
    #expect(net.parameters[0].blob.diff.values == [2, 4, 0, 6, 8, 0, 0, 0, 0])
    #expect(net.parameters[1].blob.diff.values == [2])
    let columns = try Self.net(
      "Im2col", [1, 1, 2, 2], "kernel_size: 3 stride: 2", [], gradient: filter, engine: engine)
    #expect(columns.blob("y")?.shape == [1, 9, 1, 1])
    #expect(columns.blob("y")?.data.values == [1, 2, 0, 3, 4, 0, 0, 0, 0])
    #expect(columns.blob("x")?.diff.values == [1, 2, 4, 5])
  }

  /// `[n, c]` is a plane of one cell; there is no `kernel_size` to be given.
  @Test func bottomsMayHaveNoSpatialAxes() throws {
    let parameters: [[Float]] = [[1, 2, 3, 4, 5, 6], [0.5, -1]]
    let net = try Self.net(
      "Convolution", [2, 3], "num_output: 2", parameters, gradient: [1, 2, 3, 4])
    #expect(net.parameters[0].blob.shape == [2, 3])
    #expect(net.blob("y")?.data.values == [14.5, 31, 32.5, 76])
    #expect(net.blob("x")?.diff.values == [9, 12, 15, 19, 26, 33])
    #expect(net.parameters[0].blob.diff.values == [13, 17, 21, 18, 24, 30])
    #expect(net.parameters[1].blob.diff.values == [4, 6])
    let transposed = try Self.net(
      "Deconvolution", [2, 3], "num_output: 2", parameters, gradient: [1, 2, 3, 4])
    #expect(transposed.parameters[0].blob.shape == [3, 2])
    #expect(transposed.blob("y")?.data.values == [22.5, 27, 49.5, 63])
    #expect(transposed.blob("x")?.diff.values == [5, 11, 17, 11, 25, 39])
    #expect(transposed.parameters[0].blob.diff.values == [13, 18, 17, 24, 21, 30])
  }
}
