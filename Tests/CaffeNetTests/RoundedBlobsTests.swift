import CaffeCore
import CaffeKernels
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// In BF16, where nobody can look, Convolutions hand their tops over rounded to BatchNorms, which hand theirs
/// on so, and take gradients in the same way.
@Suite(.enabled(if: Precision.isBFloat16Native, "the processor has no bfloat16"))
struct RoundedBlobsTests {
  private static func convolution(_ name: String, of bottom: String, _ more: String) -> String {
    """
    layer { name: "\(name)" type: "Convolution" bottom: "\(bottom)" top: "\(name)"
      convolution_param { weight_filler { type: "xavier" } bias_term: false \(more) } }
    """
  }

  private static func norm(of blob: String) -> String {
    """
    layer { name: "norm_\(blob)" type: "BatchNorm" bottom: "\(blob)" top: "\(blob)" }
    layer { name: "scale_\(blob)" type: "Scale" bottom: "\(blob)" top: "\(blob)"
      scale_param { bias_term: true filler { type: "gaussian" mean: 1 std: 0.2 } } }
    """
  }

  private static func relu(on blob: String) -> String {
    #"layer { name: "relu_\#(blob)" type: "ReLU" bottom: "\#(blob)" top: "\#(blob)" }"#
  }

  private static func sum(_ a: String, _ b: String, _ top: String) -> String {
    #"layer { name: "\#(top)" type: "Eltwise" bottom: "\#(a)" bottom: "\#(b)" top: "\#(top)" }"#
  }

  private static let chain =
    convolution("a", of: "x", "num_output: 32 kernel_size: 3 pad: 1") + norm(of: "a")
    + relu(on: "a")
    + convolution("b", of: "a", "num_output: 64 kernel_size: 1") + norm(of: "b")
    + relu(on: "b")
  /// A block whose shortcut has a Convolution, and one with none.
  private static let blocks =
    convolution("a", of: "x", "num_output: 64 kernel_size: 3 pad: 1") + norm(of: "a")
    + convolution("r", of: "x", "num_output: 64 kernel_size: 1") + norm(of: "r")
    + sum("r", "a", "s") + relu(on: "s")
    + convolution("c", of: "s", "num_output: 64 kernel_size: 3 pad: 1") + norm(of: "c")
    + sum("c", "s", "b") + relu(on: "b")

  private func net(
    _ layers: String, isSeen: Bool = false, precision: Precision = .bfloat16
  ) throws -> Net {
    var description = try TestNet.parse(
      """
      force_backward: true
      layer { name: "in" type: "Input" top: "x" top: "t"
        input_param { shape { dim: 4 dim: 16 dim: 6 dim: 5 } shape { dim: 4 } } }
      """ + layers + Self.convolution("z", of: "b", "num_output: 16 kernel_size: 3")
        + """
        layer { name: "ip" type: "InnerProduct" bottom: "z" top: "p"
          inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "p" bottom: "t" top: "l" }
        """)
    description.state.phase = .train
    return try Net(
      description,
      context: LayerContext(phase: .train, precision: precision, reusesMemory: !isSeen, seed: 3))
  }

  /// - Returns: which of the values were rounded at the end of the forward pass, and which of the gradients
  ///   when the layer that made the values got them.
  private func run(_ net: Net, items: Int) throws -> (values: Set<String>, gradients: Set<String>) {
    var random = TestRandom(seed: 4)
    for name in ["x", "t"] {
      let blob = try #require(net.blob(name))
      blob.reshape(try Shape([items] + blob.shape.dimensions.dropFirst()))
      blob.data.values =
        name == "t" ? (0..<items).map { Float($0 % 3) } : random.spaced(blob.count)
    }
    net.clearGradients()
    try net.forward()
    func isRounded(_ tensor: Tensor) -> Bool { tensor.orderName.hasSuffix("bfloat16") }
    let makers = net.layers.filter { $0.top.first?.name == $0.name }
    let values = makers.filter { isRounded($0.top[0].data) }.map(\.name)
    var gradients: Set<String> = []
    for index in net.layers.indices.reversed() {
      let layer = net.layers[index]
      if layer.top.first?.name == layer.name, isRounded(layer.top[0].diff) {
        gradients.insert(layer.name)
      }
      try net.backward(layer: index)
    }
    return (Set(values), gradients)
  }

  /// The distance of two arrays, relative to the length of the second.
  private func error(_ found: [Float], _ expected: [Float]) -> Float {
    func length(_ values: [Float]) -> Float {
      values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    return length(zip(found, expected).map { $0 - $1 }) / length(expected)
  }

  @Test func aChainIsRounded() throws {
    let rounding = try net(Self.chain)
    for items in [4, 4, 2] {
      let (values, gradients) = try run(rounding, items: items)
      #expect(values == ["a", "b"])
      #expect(gradients == ["a", "b"])
    }
    #expect(try run(net(Self.chain, isSeen: true), items: 4) == ([], []))
    #expect(try run(net(Self.chain, precision: .float32), items: 4) == ([], []))
  }

  @Test func residualBlocksAreRounded() throws {
    let (values, gradients) = try run(net(Self.blocks), items: 4)
    // The others have ended, or are the same memory.
    #expect(values.isSuperset(of: ["s", "b"]))
    #expect(gradients.isSuperset(of: ["a", "r", "c", "b"]))
  }

  /// Operands are rounded in any case; that blobs are so too costs as much again.
  @Test(arguments: [chain, blocks]) func gradientsAreNearlyTheSame(_ layers: String) throws {
    let nets = try [
      net(layers), net(layers, isSeen: true), net(layers, isSeen: true, precision: .float32),
    ]
    for items in [4, 2] {
      for net in nets { _ = try run(net, items: items) }
      let gradients = nets.map(\.store.gradient.values)
      let (found, usual) = (error(gradients[0], gradients[2]), error(gradients[1], gradients[2]))
      #expect(usual > 1e-4)
      #expect(found < 3 * usual)
    }
  }
}
