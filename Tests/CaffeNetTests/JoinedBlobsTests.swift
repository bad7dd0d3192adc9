import CaffeCore
import CaffeKernels
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Concat and Slice between convolutions, in the packed orders of those.
struct JoinedBlobsTests {
  /// With the order that the convolutions choose; in the last two, one of them would choose another.
  static let cases: [(channels: [Int], order: String)] = [
    ([16, 32], "blocked by \(InstructionSet.v4.isAvailable ? 16 : 8) channels"),
    ([20, 5], "channels last"), ([16, 20], "channels last"),
    ([20, 16], "channels last"),
  ]

  private func net(_ channels: [Int], engine: Engine) throws -> Net {
    let convolutions = channels.enumerated().map { index, count in
      """
      layer { name: "c\(index)" type: "Convolution" bottom: "x" top: "c\(index)" convolution_param {
        num_output: \(count) kernel_size: 3 weight_filler { type: "xavier" } } }
      """
    }
    let total = channels.reduce(0, +)
    let text = """
      layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 16 dim: 9 dim: 7 } } }
      \(convolutions.joined(separator: "\n"))
      layer { name: "join" type: "Concat" bottom: "c0" bottom: "c1" top: "y" }
      layer { name: "mix" type: "Convolution" bottom: "y" top: "m" convolution_param {
        num_output: \(total) kernel_size: 1 weight_filler { type: "xavier" } } }
      layer { name: "cut" type: "Slice" bottom: "m" top: "s0" top: "s1"
        slice_param { slice_point: \(channels[0]) } }
      layer { name: "p0" type: "Power" bottom: "s0" top: "l0" loss_weight: 0.5
        power_param { power: 2 } }
      layer { name: "p1" type: "Power" bottom: "s1" top: "l1" loss_weight: -1
        power_param { power: 2 } }
      """
    let net = try Net(
      try TestNet.parse(text), context: LayerContext(phase: .train, engine: engine, seed: 3))
    var random = TestRandom(seed: 4)
    net.blob("x")?.data.values = random.spaced(2 * 16 * 9 * 7)
    return net
  }

  @Test(arguments: cases)
  func agreeWithThePlainOrder(_ channels: [Int], order: String) throws {
    let (packed, plain) = (try net(channels, engine: .oneDNN), try net(channels, engine: .caffe))
    for net in [packed, plain] {
      net.clearGradients()
      try net.forward()
    }
    let layout = try #require(packed.blob("y")?.data.layout)
    #expect("\(layout)".hasSuffix(order))
    for net in [packed, plain] { try net.backward() }
    for name in ["y", "s0", "s1"] {
      let (a, b) = (try #require(packed.blob(name)), try #require(plain.blob(name)))
      expectClose(a.data.values, b.data.values, name)
    }
    for name in ["c0", "c1", "m"] {
      let (a, b) = (try #require(packed.blob(name)), try #require(plain.blob(name)))
      expectClose(a.diff.values, b.diff.values, "gradient of \(name)")
    }
  }

  private func expectClose(_ a: [Float], _ b: [Float], _ name: String) {
    #expect(a.count == b.count && b.contains { $0 != 0 })
    let scale = b.reduce(0) { max($0, abs($1)) }
    #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 2e-5 * scale }, "\(name)")
  }
}
