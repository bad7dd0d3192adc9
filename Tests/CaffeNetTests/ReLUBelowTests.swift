import CaffeNet
import CaffeTestSupport
import Testing

/// Where nobody can look at blobs, a maximum Pooling computes the gradient of a ReLU below with its own:
/// of its top, which is smaller.
struct ReLUBelowTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var channels = 16
    var slope: Float = 0
    /// Of the layer `y`.
    var pooling = "kernel_size: 2 stride: 2"
    var tops = #"top: "y""#
    /// Layers behind the Pooling.
    var behind = ""
    /// What the InnerProduct reads.
    var last = "y"
    var isFused = true
  }

  static let cases = [
    Case(testDescription: "windows side by side"),
    Case(testDescription: "windows that overlap", pooling: "kernel_size: 3 stride: 2 pad: 1"),
    Case(testDescription: "leaky", slope: 0.2, pooling: "kernel_size: 3 stride: 1"),
    Case(testDescription: "the whole plane", pooling: "global_pooling: true"),
    Case(testDescription: "channels last", channels: 20),
    Case(testDescription: "plain order", channels: 5, pooling: "kernel_size: 3 engine: CAFFE"),
    Case(testDescription: "oneDNN", pooling: "kernel_size: 3 stride: 2 engine: ONEDNN"),
    Case(
      testDescription: "a mask", tops: #"top: "y" top: "mask""#,
      behind: #"layer { name: "end" type: "Silence" bottom: "mask" }"#, isFused: false),
    Case(testDescription: "a mean", pooling: "kernel_size: 2 pool: AVE", isFused: false),
    Case(
      testDescription: "a Sigmoid in place behind it",
      behind: #"layer { name: "s" type: "Sigmoid" bottom: "y" top: "y" }"#, isFused: false),
    Case(
      testDescription: "a Sigmoid in place on a view of it",
      behind: #"layer { name: "v" type: "Flatten" bottom: "y" top: "v" }"#
        + #"layer { name: "s" type: "Sigmoid" bottom: "v" top: "v" }"#,
      last: "v", isFused: false),
    Case(
      testDescription: "another reader",
      behind: #"layer { name: "more" type: "Reduction" bottom: "c" top: "more" loss_weight: 0.1 }"#,
      isFused: false),
  ]

  @Test(arguments: cases) func givesWhatItsLayersGive(_ c: Case) throws {
    let pair = try FusedPair(
      """
      layer { name: "in" type: "Input" top: "x"
        input_param { shape { dim: 2 dim: 3 dim: 9 dim: 7 } } }
      layer { name: "c" type: "Convolution" bottom: "x" top: "c"
        convolution_param { num_output: \(c.channels) kernel_size: 3
          weight_filler { type: "xavier" } bias_filler { type: "gaussian" } } }
      layer { name: "relu" type: "ReLU" bottom: "c" top: "c"
        relu_param { negative_slope: \(c.slope) } }
      layer { name: "y" type: "Pooling" bottom: "c" \(c.tops) pooling_param { \(c.pooling) } }
      \(c.behind)
      layer { name: "ip" type: "InnerProduct" bottom: "\(c.last)" top: "s"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
      layer { name: "loss" type: "Reduction" bottom: "s" top: "loss" loss_weight: 1
        reduction_param { operation: SUMSQ } }
      """)
    #expect(pair.passes(in: "y") == (c.isFused ? ["relu (backward)"] : []))
    for items in [2, 2, 5] { try pair.expectSame(["x": [items, 3, 9, 7]]) }
  }

  /// The gradient of the objective is there again in each iteration, whoever has written over it.
  @Test(arguments: [
    #"layer { name: "y" type: "Pooling" bottom: "c" top: "y" pooling_param { kernel_size: 2 } }"#,
    #"layer { name: "y" type: "ReLU" bottom: "c" top: "c" relu_param { negative_slope: 0.5 } }"#,
  ])
  func theObjectiveKeepsItsGradient(_ last: String) throws {
    let pair = try FusedPair(
      """
      layer { name: "in" type: "Input" top: "x"
        input_param { shape { dim: 2 dim: 3 dim: 9 dim: 7 } } }
      layer { name: "c" type: "Convolution" bottom: "x" top: "c"
        convolution_param { num_output: 16 kernel_size: 3 weight_filler { type: "xavier" } } }
      layer { name: "relu" type: "ReLU" bottom: "c" top: "c" relu_param { negative_slope: 0.2 } }
      \(last.dropLast()) loss_weight: 1 }
      """)
    for _ in 0..<3 { try pair.expectSame() }
  }
}
