import CaffeNet
import CaffeTestSupport
import Testing

/// Where nobody can look at blobs, layers compute the gradient of a ReLU below with their own: a maximum
/// Pooling that of its top, which is smaller; a Convolution on tiles as it writes the bottom's.
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

  @Test(arguments: cases) func poolingGivesWhatItsLayersGive(_ c: Case) throws {
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

  @Test(arguments: [Float(0), 0.2], ["d", "x"])
  func tilesGiveWhatTheirLayersGive(slope: Float, bottom: String) throws {
    let pair = try FusedPair(
      """
      layer { name: "in" type: "Input" top: "x"
        input_param { shape { dim: 2 dim: 16 dim: 9 dim: 7 } } }
      layer { name: "c" type: "Convolution" bottom: "x" top: "c"
        convolution_param { num_output: 16 kernel_size: 3
          weight_filler { type: "xavier" } bias_filler { type: "gaussian" } } }
      layer { name: "relu" type: "ReLU" bottom: "c" top: "c"
        relu_param { negative_slope: \(slope) } }
      layer { name: "d" type: "Convolution" bottom: "c" top: "d"
        convolution_param { num_output: 32 kernel_size: 3 pad: 1
          weight_filler { type: "xavier" } } }
      layer { name: "free" type: "ReLU" bottom: "\(bottom)" top: "e" }
      layer { name: "f" type: "Convolution" bottom: "e" top: "f"
        convolution_param { num_output: 16 kernel_size: 3 weight_filler { type: "xavier" } } }
      layer { name: "end" type: "Pooling" bottom: "f" top: "end"
        pooling_param { pool: AVE global_pooling: true } }
      layer { name: "loss" type: "Reduction" bottom: "end" top: "loss" loss_weight: 1
        reduction_param { operation: SUMSQ } }
      layer { name: "more" type: "Reduction" bottom: "d" top: "more" loss_weight: 0.1
        reduction_param { operation: SUMSQ } }
      """, choices: FixedChoice.tiles)
    #expect(pair.passes(in: "d") == ["relu (backward)"])
    #expect(pair.passes(in: "f") == [])
    for items in [2, 2, 5] { try pair.expectSame(["x": [items, 16, 9, 7]]) }
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

  /// oneDNN writes the gradient of its bottom as it is, and a BatchNorm has that of a ReLU behind it.
  @Test(arguments: [(kernel: 1, norm: ""), (3, #"type: "BatchNorm" bottom: "c" top: "c""#)])
  func othersLeaveTheReLU(kernel: Int, norm: String) throws {
    let pair = try FusedPair(
      """
      layer { name: "in" type: "Input" top: "x"
        input_param { shape { dim: 2 dim: 16 dim: 9 dim: 7 } } }
      layer { name: "c" type: "Convolution" bottom: "x" top: "c"
        convolution_param { num_output: 16 kernel_size: 1 weight_filler { type: "xavier" } } }
      \(norm.isEmpty ? "" : "layer { name: \"norm\" \(norm) }")
      layer { name: "relu" type: "ReLU" bottom: "c" top: "c" }
      layer { name: "d" type: "Convolution" bottom: "c" top: "d"
        convolution_param { num_output: 16 kernel_size: \(kernel)
          weight_filler { type: "xavier" } } }
      layer { name: "loss" type: "Reduction" bottom: "d" top: "loss" loss_weight: 1
        reduction_param { operation: SUMSQ } }
      """, choices: FixedChoice.tiles)
    let code = pair.fused.layer("d")?.engine.implementation
    #expect(code?.hasPrefix("winograd") == (kernel == 3))
    #expect(pair.passes(in: "d") == [])
    try pair.expectSame()
  }
}
