import CaffeCore
import CaffeNet
import CaffeTestSupport
import Testing

/// What prototxts of Caffe's forks say in other words.
struct ForkWordsTests {
  /// `DepthwiseConvolution` and `ConvolutionDepthwise` are Convolution with a group for each channel.
  @Test(
    arguments: ["DepthwiseConvolution", "ConvolutionDepthwise"],
    ["", "num_output: 3", "num_output: 6 group: 3"])
  func depthwiseIsGroupedConvolution(type: String, options: String) throws {
    let rest = #"kernel_size: 3 pad: 1 weight_filler { type: "xavier" }"#
    let outputs = options.contains("6") ? 6 : 3
    var random = TestRandom(seed: 5)
    let values = random.spaced(2 * 3 * 4 * 5)
    func output(_ type: String, _ options: String) throws -> [Float] {
      try LayerTestCase(
        type, "type: \"\(type)\" convolution_param { \(options) \(rest) }", [[2, 3, 4, 5]]
      ).output([values])
    }
    let expected = try output("Convolution", "num_output: \(outputs) group: 3")
    #expect(try output(type, options) == expected)
    #expect(expected.count == 2 * outputs * 4 * 5 && expected.contains { $0 != 0 })
  }

  @Test func depthwiseRefusesAnotherGroup() {
    RefusedLayer(
      #"type: "DepthwiseConvolution" convolution_param { group: 2 kernel_size: 1 }"#,
      [[1, 4, 2, 2]],
      "group must be the bottom's 4 channels or left out, got 2"
    ).expect()
    RefusedLayer(
      #"type: "DepthwiseConvolution" convolution_param { num_output: 0 kernel_size: 1 }"#,
      [[1, 4, 2, 2]], "num_output must be positive, got 0"
    ).expect()
  }

  // 5 cells, windows of 2 at a stride of 2: ceil makes 3, floor 2
  @Test(arguments: [
    ("", 3), ("ceil_mode: true", 3), ("ceil_mode: false", 2), ("round_mode: FLOOR", 2),
  ])
  func poolingRounds(option: String, extent: Int) throws {
    let net = try LayerTestCase(
      option, "type: \"Pooling\" pooling_param { kernel_size: 2 stride: 2 \(option) }",
      [[1, 1, 5, 5]]
    ).net()
    #expect(net.blob("out0")?.shape.dimensions == [1, 1, extent, extent])
  }
}
