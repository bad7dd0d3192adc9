import CaffeCore
import CaffeTestSupport
import Testing

/// Numbers at the edges of what a Float can be, and classes that never come.
@Suite struct NumberTests {
  /// Layers that hand one value on, or sum sixteenths of it.
  static let carriers = [
    "type: \"ReLU\"", "type: \"AbsVal\"", "type: \"Power\"", "type: \"Dropout\"", "type: \"Split\"",
    "type: \"Scale\"", "type: \"Pooling\" pooling_param { kernel_size: 1 }",
    "type: \"Pooling\" pooling_param { kernel_size: 1 pool: AVE }",
    "type: \"Convolution\" convolution_param { num_output: 16 kernel_size: 1 bias_term: false weight_filler { type: \"constant\" value: 0.0625 } }",
    "type: \"Convolution\" convolution_param { num_output: 16 kernel_size: 3 pad: 1 bias_term: false weight_filler { type: \"constant\" value: 0.0625 } }",
    "type: \"InnerProduct\" inner_product_param { num_output: 3 axis: 1 bias_term: false weight_filler { type: \"constant\" value: 0.0625 } }",
  ]

  /// Subnormal numbers are kept, as IEEE 754 has them and PyTorch does unless told otherwise: neither
  /// engine nor any of its threads rounds them to 0.
  @Test(arguments: carriers, [Engine.caffe, nil])
  func subnormalsAreKept(_ settings: String, on engine: Engine?) throws {
    let net = try TestNet.make(
      """
      layer { name: "in" type: "Input" top: "in" input_param { shape { dim: 2 dim: 16 dim: 24 dim: 24 } } }
      layer { name: "l" \(settings) bottom: "in" top: "out" }
      """, phase: .test, engine: engine)
    let tiny = Float.leastNormalMagnitude / 128
    let input = try #require(net.blob("in"))
    input.data.values = Array(repeating: tiny, count: input.count)
    try net.forward()
    let output = try #require(net.blob("out")).data.values
    #expect(!output.isEmpty)
    // A weight is 1/16, so no sum is smaller than the smallest part.
    #expect(output.allSatisfy { $0 >= tiny / 16 * 0.99 }, "\(output.prefix(9))")
  }

  /// The same in a gradient and an update: what is small is not lost on the way.
  @Test(arguments: [Engine.caffe, nil])
  func subnormalGradientsAreKept(engine: Engine?) throws {
    let net = try TestNet.make(
      """
      force_backward: true
      layer { name: "in" type: "Input" top: "in" input_param { shape { dim: 2 dim: 16 dim: 8 dim: 8 } } }
      layer { name: "c" type: "Convolution" bottom: "in" top: "c" convolution_param { num_output: 16 kernel_size: 1 weight_filler { type: "constant" value: 1 } } }
      layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
      """, engine: engine)
    let (input, output) = (try #require(net.blob("in")), try #require(net.blob("c")))
    input.data.values = Array(repeating: 1, count: input.count)
    try net.forward()
    output.diff.values = Array(repeating: Float.leastNormalMagnitude / 1024, count: output.count)
    net.clearGradients()
    try net.backward()
    #expect(input.diff.values.allSatisfy { $0 > 0 })
    #expect(net.parameters[0].blob.diff.values.allSatisfy { $0 > 0 })
  }

  /// What is not finite in the data shows in the loss, whichever engine runs the layers between: a run
  /// then ends with a sentence (`InterruptionTests` and the solver's tests of divergence) rather than
  /// learn from it.
  @Test(
    arguments: [Float.nan, .infinity, -.infinity],
    [
      "type: \"Convolution\" convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: \"xavier\" } }",
      "type: \"InnerProduct\" inner_product_param { num_output: 4 weight_filler { type: \"xavier\" } }",
      "type: \"BatchNorm\"", "type: \"LRN\"", "type: \"Softmax\"",
      "type: \"Scale\"",
      "type: \"Pooling\" pooling_param { kernel_size: 2 pool: AVE }",
    ])
  func whatIsNotFiniteReachesTheLoss(_ value: Float, _ settings: String) throws {
    for engine in [Engine.caffe, nil] {
      let net = try TestNet.make(
        """
        layer { name: "in" type: "Input" top: "in" input_param { shape { dim: 2 dim: 4 dim: 5 dim: 5 } } }
        layer { name: "l" \(settings) bottom: "in" top: "out" }
        layer { name: "sum" type: "Reduction" bottom: "out" top: "sum" loss_weight: 1 reduction_param { operation: SUMSQ } }
        """, engine: engine, seed: 2)
      let input = try #require(net.blob("in"))
      var values = (0..<input.count).map { Float($0 % 7) - 3 }
      values[37] = value
      input.data.values = values
      let loss = try net.forward()
      // Softmax of one score of −∞ is a probability of 0.
      let isHarmless = value == -.infinity && settings.contains("Softmax")
      #expect(loss.isFinite == isHarmless, "\(loss)")
    }
  }

  /// A class without any item has accuracy 0, as in Caffe, and takes no part in the whole.
  @Test func aClassThatNeverComesHasNoAccuracy() throws {
    let net = try TestNet.make(
      """
      layer { name: "s" type: "Input" top: "s" input_param { shape { dim: 2 dim: 3 } } }
      layer { name: "l" type: "Input" top: "l" input_param { shape { dim: 2 } } }
      layer { name: "a" type: "Accuracy" bottom: "s" bottom: "l" top: "all" top: "each" }
      """, phase: .test)
    net.blob("s")?.data.values = [3, 2, 1, 0, 2, 3]
    net.blob("l")?.data.values = [0, 2]
    try net.forward()
    #expect(net.blob("all")?.data.values == [1])
    #expect(net.blob("each")?.data.values == [1, 0, 1])
  }
}
