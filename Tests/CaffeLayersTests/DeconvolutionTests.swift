import CaffeCore
import CaffeNet
import CaffeTestSupport
import Testing

struct DeconvolutionTests {
  // 1 2  with a 2x2 filter of 1 10   stride 2:   1 10  2 20
  //                         100 1000           100 1000 200 2000
  @Test func placesAFilterForEachValue() throws {
    let layer = LayerTestCase(
      "deconv",
      #"type: "Deconvolution" convolution_param { num_output: 1 kernel_size: 2 stride: 2 }"#,
      [[1, 1, 1, 2]])
    let net = try layer.net()
    net.parameters[0].blob.data.values = [1, 10, 100, 1000]
    net.parameters[1].blob.data.values = [0.5]
    try layer.fill(net, [[1, 2]])
    try net.forward()
    #expect(
      net.blob("out0")?.data.values == [1.5, 10.5, 2.5, 20.5, 100.5, 1000.5, 200.5, 2000.5])
  }

  static let filler = #"weight_filler { type: "xavier" } bias_filler { value: 0.3 }"#

  @Test(arguments: [
    ("kernel_size: 3 stride: 2 pad: 1", [[2, 2, 3, 4]], [2, 4, 5, 7]),
    ("kernel_h: 2 kernel_w: 3 group: 2 dilation: 2", [[2, 2, 3, 2]], [2, 4, 5, 6]),
    ("kernel_size: 3 bias_term: false", [[2, 2, 3]], [2, 4, 5]),
    ("kernel_size: 2", [[1, 2, 2, 2], [1, 2, 2, 2]], [1, 4, 3, 3]),
  ])
  func gradients(options: String, bottoms: [[Int]], top: [Int]) throws {
    var random = TestRandom(seed: 5)
    let layer = LayerTestCase(
      options,
      "type: \"Deconvolution\" convolution_param { num_output: 4 \(options) \(Self.filler) }",
      bottoms, tops: bottoms.count)
    #expect(try layer.net().blob("out0")?.shape.dimensions == top)
    try layer.expectGradients(bottoms.map { random.spaced($0.reduce(1, *)) })
  }

  @Test(arguments: [
    RefusedLayer(
      #"type: "Deconvolution" convolution_param { kernel_size: 2 }"#, [[1, 2, 3, 3]],
      "num_output must be positive"),
    RefusedLayer(
      #"type: "Deconvolution" convolution_param { num_output: 1 kernel_size: 1 pad: 2 }"#,
      [[1, 2, 3, 3]], "pad 2 leaves nothing of the top on spatial axis 0"),
    RefusedLayer(
      #"type: "Deconvolution" convolution_param { num_output: 3 group: 2 kernel_size: 1 }"#,
      [[1, 2, 3, 3]], "num_output 3 is not a multiple of group 2"),
    RefusedLayer(
      #"type: "Deconvolution" convolution_param { num_output: 3 kernel_size: 1 engine: ONEDNN }"#,
      [[1, 2, 3, 3, 3, 3]], "it convolves over 1 to 3 spatial axes, not 4"),
    RefusedLayer(
      #"type: "Deconvolution" convolution_param { num_output: 3 kernel_size: 1 }"#,
      [[1, 2, 3, 3], [1, 2, 3, 4]], tops: 2, "all bottoms must have one shape"),
  ])
  func refuses(_ layer: RefusedLayer) { layer.expect() }
}
