import CaffeNet
import CaffeTestSupport
import Testing

/// A blob under another shape, whose values a Convolution has left in an order of its own shape.
struct ViewTests {
  private static let reshape = """
    layer { name: "v" type: "Reshape" bottom: "c" top: "v"
      reshape_param { shape { dim: 0 dim: 4 dim: -1 dim: 6 } } }
    """

  private static func convolution(_ settings: String) -> String {
    """
    layer { name: "y" type: "Convolution" bottom: "v" top: "y"
      convolution_param { num_output: 16 \(settings) weight_filler { type: "xavier" } } }
    """
  }

  /// Layers that make `y` of the view `v`.
  static let readers = [
    reshape + convolution("kernel_size: 1"),
    reshape + convolution("kernel_size: 3"),
    reshape
      + """
      layer { name: "y" type: "Deconvolution" bottom: "v" top: "y"
        convolution_param { num_output: 8 kernel_size: 2 weight_filler { type: "xavier" } } }
      """,
    reshape
      + """
      layer { name: "y" type: "Pooling" bottom: "v" top: "y" pooling_param { kernel_size: 2 } }
      """,
    reshape
      + """
      layer { name: "n" type: "LRN" bottom: "v" top: "n" lrn_param { alpha: 3 } }
      layer { name: "y" type: "Scale" bottom: "n" top: "y"
        scale_param { filler { type: "gaussian" mean: 1 } } }
      """,
    reshape + #"layer { name: "y" type: "BatchNorm" bottom: "v" top: "y" }"#,
    reshape
      + """
      layer { name: "r" type: "ReLU" bottom: "v" top: "v" }
      layer { name: "y" type: "PReLU" bottom: "v" top: "y" }
      """,
    reshape + #"layer { name: "cat" type: "Concat" bottom: "v" bottom: "v" top: "y" }"#,
    reshape + #"layer { name: "cut" type: "Slice" bottom: "v" top: "y" top: "rest" }"#,
    #"layer { name: "v" type: "Flatten" bottom: "c" top: "v" flatten_param { axis: 2 } }"#
      + convolution("kernel_size: 3"),
  ]

  @Test(arguments: readers) func readersSeeItsOwnShape(_ layers: String) throws {
    let text = """
      layer { name: "in" type: "Input" top: "x"
        input_param { shape { dim: 2 dim: 3 dim: 4 dim: 6 } } }
      layer { name: "c" type: "Convolution" bottom: "x" top: "c"
        convolution_param { num_output: 16 kernel_size: 3 pad: 1
          weight_filler { type: "xavier" } } }
      \(layers)
      layer { name: "bent" type: "Sigmoid" bottom: "y" top: "z" }
      layer { name: "loss" type: "Reduction" bottom: "z" top: "loss" loss_weight: 1
        reduction_param { operation: SUMSQ } }
      """
    let (fast, plain) = (try TestNet.make(text), try TestNet.make(text, engine: .caffe))
    for net in [fast, plain] {
      var random = TestRandom(seed: 4)
      let input = try #require(net.blob("x"))
      input.data.values = random.spaced(input.count)
      try net.forward()
      try net.backward()
    }
    #expect(fast.blob("c")?.data.layout != nil || fast.blob("c")?.data.conversions ?? 0 > 0)
    for (a, b) in zip(fast.outputs, plain.outputs) {
      expectClose(a.blob.data.values, b.blob.data.values, a.blob.name)
    }
    for (a, b) in zip(fast.parameters, plain.parameters) {
      expectClose(a.blob.diff.values, b.blob.diff.values, "gradient of \(a.layer)")
    }
  }
}
