import CaffeCore
import CaffeKernels
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Where a convolution would round the gradient of its top to bfloat16 and nobody else reads it, the
/// BatchNorm behind writes it rounded.
@Suite(.enabled(if: Precision.isBFloat16Native, "the processor has no bfloat16"))
struct RoundedGradientTests {
  private static let chain = """
    layer { name: "a" type: "Convolution" bottom: "x" top: "a"
      convolution_param { num_output: 32 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
    layer { name: "norm_a" type: "BatchNorm" bottom: "a" top: "a" }
    layer { name: "scale_a" type: "Scale" bottom: "a" top: "a"
      scale_param { bias_term: true filler { type: "gaussian" mean: 1 std: 0.2 } } }
    layer { name: "relu_a" type: "ReLU" bottom: "a" top: "a" }
    layer { name: "b" type: "Convolution" bottom: "a" top: "b"
      convolution_param { num_output: 64 kernel_size: 1 weight_filler { type: "xavier" } } }
    layer { name: "norm_b" type: "BatchNorm" bottom: "b" top: "b" }
    """
  private static let end = """
    layer { name: "z" type: "Convolution" bottom: "y" top: "z"
      convolution_param { num_output: 16 kernel_size: 3 weight_filler { type: "xavier" } } }
    layer { name: "ip" type: "InnerProduct" bottom: "z" top: "s"
      inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "s" bottom: "t" top: "l" }
    """
  private static let relu = #"layer { name: "relu" type: "ReLU" bottom: "b" top: "y" }"#
  private static let sum = """
    layer { name: "r" type: "Convolution" bottom: "x" top: "r"
      convolution_param { num_output: 64 kernel_size: 1 weight_filler { type: "xavier" } } }
    layer { name: "sum" type: "Eltwise" bottom: "r" bottom: "b" top: "y" }
    """

  private func net(_ layers: String, isSeen: Bool) throws -> Net {
    var description = try TestNet.parse(
      """
      force_backward: true
      layer { name: "in" type: "Input" top: "x" top: "t"
        input_param { shape { dim: 4 dim: 16 dim: 6 dim: 5 } shape { dim: 4 } } }
      """ + Self.chain + layers + Self.end)
    description.state.phase = .train
    return try Net(
      description,
      context: LayerContext(phase: .train, precision: .bfloat16, reusesMemory: !isSeen, seed: 3))
  }

  /// - Returns: which of the orders of `a` and `b` rounded, once the layers behind have run.
  private func run(_ net: Net, items: Int) throws -> [String] {
    var random = TestRandom(seed: 4)
    for name in ["x", "t"] {
      let blob = try #require(net.blob(name))
      blob.reshape(try Shape([items] + blob.shape.dimensions.dropFirst()))
      blob.data.values =
        name == "t" ? (0..<items).map { Float($0 % 3) } : random.spaced(blob.count)
    }
    net.clearGradients()
    try net.forward()
    var rounded: [String] = []
    for index in net.layers.indices.reversed() {
      for name in ["a", "b"] where net.layers[index].name == name {
        if try #require(net.blob(name)).diff.orderName == "bfloat16" { rounded.append(name) }
      }
      try net.backward(layer: index)
    }
    return rounded
  }

  @Test func theGradientsAreTheSameBitByBit() throws {
    let (rounding, seen) = (
      try net(Self.relu, isSeen: false), try net(Self.relu, isSeen: true)
    )
    for items in [4, 4, 2] {
      #expect(try run(rounding, items: items) == ["b", "a"])
      #expect(try run(seen, items: items) == [])
      #expect(rounding.store.gradient.values == seen.store.gradient.values)
      #expect(rounding.store.gradient.values.contains { $0 != 0 })
    }
  }

  /// A sum of gradients in another order may be rounded to a neighbour.
  @Test func theEndOfAResidualBlockRoundsToo() throws {
    let (rounding, seen) = (
      try net(Self.sum, isSeen: false), try net(Self.sum, isSeen: true)
    )
    #expect(try run(rounding, items: 4) == ["b", "a"])
    #expect(try run(seen, items: 4) == [])
    let (found, expected) = (rounding.store.gradient.values, seen.store.gradient.values)
    let scale = expected.reduce(0) { max($0, abs($1)) }
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 5e-3 * scale })
  }
}
