import CaffeCore
import CaffeTestSupport
import Testing

/// Gradients against finite differences over a grid of options, for the layers on which most nets
/// stand; the tests of other layers have their own.
@Suite struct GradientTests {
  private static let image = [2, 4, 5, 3]
  private static let fillers = #"weight_filler { type: "xavier" } bias_filler { value: 0.3 }"#

  private static func layers(
    _ type: String, _ field: String = "", _ options: [String], _ shapes: [[Int]] = [image],
    tops: Int = 1
  ) -> [LayerTestCase] {
    options.map { options in
      let settings = field.isEmpty ? options : "\(field) { \(options) }"
      return LayerTestCase("\(type) \(options)", "type: '\(type)' \(settings)", shapes, tops: tops)
    }
  }

  private static func convolutions(
    _ options: [String], _ shapes: [[Int]] = [image], type: String = "Convolution"
  ) -> [LayerTestCase] {
    layers(
      type, "convolution_param", options.map { "\($0) \(fillers)" }, shapes, tops: shapes.count)
  }

  static let smooth: [LayerTestCase] =
    convolutions([
      "num_output: 3 kernel_size: 3",
      "num_output: 4 group: 2 kernel_h: 3 kernel_w: 2 stride: 2 pad: 1",
      "num_output: 2 kernel_size: 2 dilation: 2", "num_output: 3 kernel_size: 1 bias_term: false",
    ])
    + convolutions(["num_output: 3 kernel_size: 3 pad: 1"], [[2, 3, 6]])
    + convolutions(["num_output: 2 kernel_size: 2 stride: 2"], [[2, 2, 3, 4, 2]])
    + convolutions(["num_output: 2 kernel_size: 2"], [[2, 3, 4, 3], [2, 3, 4, 3]])
    + convolutions(["kernel_size: 3 pad: 1"], type: "DepthwiseConvolution")
    + layers(
      "InnerProduct", "inner_product_param",
      ["", "transpose: true", "axis: 2", "axis: -1", "bias_term: false"].map {
        "num_output: 3 \($0) \(fillers)"
      })
    + layers(
      "LRN", "lrn_param",
      [
        "local_size: 3 alpha: 0.5", "local_size: 5 alpha: 2 beta: 0.6 k: 2",
        "norm_region: WITHIN_CHANNEL local_size: 3 alpha: 0.5",
      ])
    + layers("TanH", "", [""])
    + layers("Softmax", "softmax_param", ["axis: 0", "axis: 1", "axis: 2", "axis: -1"])
    + layers("Dropout", "dropout_param", ["dropout_ratio: 0.3"])
    + layers("Concat", "concat_param", ["axis: 0", "axis: 1", "axis: -1"], [image, image])
    + layers("Concat", "concat_param", ["axis: 1"], [[2, 3, 4], [2, 1, 4], [2, 2, 4]])
    + layers(
      "Eltwise", "eltwise_param",
      [
        "operation: SUM", "coeff: 2 coeff: -0.5 coeff: 1", "operation: PROD",
        "operation: PROD stable_prod_grad: false",
      ], [[2, 3, 4], [2, 3, 4], [2, 3, 4]])
    + layers("Split", "", [""], tops: 3)

  /// Piecewise: values lie further than the step from one another and from 0.
  static let kinked: [LayerTestCase] =
    layers("ReLU", "relu_param", ["", "negative_slope: 0.2"])
    + layers(
      "Pooling", "pooling_param",
      [
        "kernel_size: 2", "kernel_size: 3 stride: 2 pad: 1", "global_pooling: true",
        "pool: AVE kernel_size: 3 stride: 2 pad: 1", "pool: AVE kernel_h: 2 kernel_w: 3",
        "pool: AVE global_pooling: true", "kernel_size: 2 stride: 2 round_mode: FLOOR",
      ])
    + layers("Pooling", "pooling_param", ["kernel_size: 3 stride: 2"], [[2, 3, 8]])
    + layers("Pooling", "pooling_param", ["pool: AVE kernel_size: 2"], [[2, 2, 3, 4, 2]])
    + layers("Eltwise", "eltwise_param", ["operation: MAX"], [[2, 3, 4], [2, 3, 4]])

  @Test(arguments: smooth + kinked, [Engine.caffe, Engine.oneDNN])
  func matchesDifferences(layer: LayerTestCase, engine: Engine) throws {
    var random = TestRandom(seed: 3)
    let sizes = layer.shapes.map { $0.reduce(1, *) }
    let values = random.spaced(sizes.reduce(0, +), -2, 2)
    var rest = values[...]
    try layer.expectGradients(
      sizes.map { size in
        defer { rest = rest.dropFirst(size) }
        return Array(rest.prefix(size))
      }, engine: engine == .caffe ? .caffe : nil)
  }

  /// Labels lie along the axes that are left when the axis of classes is taken out.
  @Test(arguments: [
    ("", [3, 4], [3]), ("softmax_param { axis: 1 }", [2, 4, 3, 2], [2, 3, 2]),
    ("softmax_param { axis: -1 }", [2, 3, 4], [2, 3]),
    ("loss_param { ignore_label: 2 }", [3, 4], [3]),
    ("loss_param { ignore_label: 2 normalization: BATCH_SIZE }", [2, 4, 3], [2, 3]),
    ("loss_param { normalization: NONE } loss_weight: 0.5", [3, 4], [3]),
    ("loss_param { normalization: FULL }", [2, 4, 3], [2, 3]),
  ]) func softmaxWithLoss(options: String, scores: [Int], labels: [Int]) throws {
    var random = TestRandom(seed: 8)
    let layer = LayerTestCase(options, "type: 'SoftmaxWithLoss' \(options)", [scores, labels])
    try layer.expectGradients(
      [
        random.spaced(scores.reduce(1, *), -2, 2.1),
        (0..<labels.reduce(1, *)).map { Float($0 * 3 % 4) },
      ], fixed: [1])
  }
}
