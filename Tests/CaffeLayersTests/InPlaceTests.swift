import CaffeCore
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Running in place gives what running apart gives, or is refused.
struct InPlaceTests {
  static let settings = [
    #"type: "BatchNorm""#, #"type: "BatchNorm" batch_norm_param { use_global_stats: true }"#,
    #"type: "Bias" bias_param { filler { value: 0.7 } }"#, #"type: "BNLL""#,
    #"type: "Clip" clip_param { min: -0.3 max: 0.4 }"#, #"type: "ELU" elu_param { alpha: 0.7 }"#,
    #"type: "ELU" elu_param { alpha: -1 }"#, #"type: "Exp""#,
    #"type: "Log" log_param { scale: 0.5 shift: 2 }"#, #"type: "MVN""#,
    #"type: "MVN" mvn_param { normalize_variance: false }"#,
    #"type: "Power" power_param { power: 2 }"#, #"type: "PReLU""#,
    #"type: "PReLU" prelu_param { channel_shared: true }"#,
    #"type: "Scale" scale_param { bias_term: true filler { type: "uniform" min: -2 max: 2 } }"#,
    #"type: "Sigmoid""#, #"type: "Swish""#, #"type: "Threshold""#,
  ]

  /// Output, gradient of the input and gradients of the parameters.
  private func run(_ settings: String, top: String) throws -> [[Float]] {
    let shape = "dim: 3 dim: 2 dim: 4 dim: 5"
    let text = """
      force_backward: true
      layer { name: "i" type: "Input" top: "x" input_param { shape { \(shape) } } }
      layer { name: "l" \(settings) bottom: "x" top: "\(top)" }
      """
    let net = try Net(
      NetParameter(text: text, file: "in-place"), context: LayerContext(phase: .train, seed: 3))
    var random = TestRandom(seed: 6)
    let (x, y) = (try #require(net.blob("x")), try #require(net.blob(top)))
    x.data.values = random.spaced(x.count)
    try net.forward()
    let output = y.data.values
    y.diff.values = random.values(y.count)
    try net.backward()
    return [output, x.diff.values] + net.parameters.map(\.blob.diff.values)
  }

  @Test(arguments: settings) func givesTheSame(_ settings: String) throws {
    var apart = try run(settings, top: "y")
    var inPlace = try run(settings, top: "x")
    if settings.contains("Threshold") {  // which has no gradient
      apart.remove(at: 1)
      inPlace.remove(at: 1)
    }
    #expect(apart == inPlace)
    #expect(apart[0].contains { $0 != 0 })
  }

  @Test(arguments: ["AbsVal", "Flatten", "Reshape"]) func refuses(_ type: String) {
    expectError("\(type) Layer does not allow in-place computation") {
      _ = try run("type: \"\(type)\"", top: "x")
    }
  }

  /// Scale in place on what BatchNorm made, which BatchNorm's gradient needs.
  @Test func batchNormBelowScaleInPlace() throws {
    func chain(_ top: String) throws -> GradientReport {
      var random = TestRandom(seed: 2)
      return try checkGradients(
        """
        layer { name: "i" type: "Input" top: "x" input_param { shape { dim: 4 dim: 2 dim: 3 } } }
        layer { name: "n" type: "BatchNorm" bottom: "x" top: "y" }
        layer {
          name: "s" type: "Scale" bottom: "y" top: "\(top)"
          scale_param { bias_term: true filler { type: "uniform" min: 1 max: 2 } }
        }
        """, inputs: ["x": random.spaced(24)])
    }
    for top in ["y", "z"] {
      let report = try chain(top)
      #expect(report.compared == 24 + 4)
      #expect(report.worst < 2e-3, "\(report)")
    }
  }

  /// A layer below whose gradient or reader needs what the layer in place would overwrite.
  static let disturbances = [
    #"type: "TanH" bottom: "x" top: "y""#,
    #"type: "Sigmoid" bottom: "x" top: "x" } "#
      + #"layer { name: "v" type: "Flatten" bottom: "x" top: "y""#,
    #"type: "ReLU" bottom: "x" top: "y""#,
    #"type: "Split" bottom: "x" top: "y" top: "other" } "#
      + #"layer { name: "v" type: "Log" bottom: "other" top: "z" log_param { shift: 9 }"#,
    #"type: "TanH" bottom: "x" top: "y" } layer { name: "d" type: "Dropout" bottom: "y" top: "y""#,
  ]

  @Test(arguments: disturbances) func leavesOthersTheirValues(_ below: String) throws {
    func run(_ top: String) throws -> [[Float]] {
      let net = try Net(
        NetParameter(
          text: """
            force_backward: true
            layer { name: "i" type: "Input" top: "x" input_param { shape { dim: 3 dim: 4 } } }
            layer { name: "below" \(below) }
            layer { name: "above" type: "Power" bottom: "y" top: "\(top)" power_param { shift: -0.3 scale: 2 } }
            """, file: "in-place"), context: LayerContext(phase: .train, seed: 3))
      var random = TestRandom(seed: 6)
      let x = try #require(net.layer("i")?.top.first)
      x.data.values = random.spaced(12)
      try net.forward()
      for output in net.outputs { output.blob.diff.values = random.values(output.blob.count) }
      try net.backward()
      return [x.diff.values] + ["z", top].compactMap { net.blob($0)?.data.values }
    }
    #expect(try run("y") == run("top"))
  }

  /// The layers of AlexNet and ResNet that are written in place run so.
  @Test(arguments: [
    #"type: "ReLU" bottom: "x" top: "x" } layer { name: "d" type: "Dropout" bottom: "x" top: "x""#,
    #"type: "BatchNorm" bottom: "x" top: "x" } layer { name: "s" type: "Scale" bottom: "x" top: "x" } "#
      + #"layer { name: "r" type: "ReLU" bottom: "x" top: "x""#,
  ]) func runsInPlaceWhereNobodyMinds(_ layers: String) throws {
    let net = try Net(
      NetParameter(
        text: """
          layer { name: "i" type: "Input" top: "x" input_param { shape { dim: 3 dim: 4 } } }
          layer { name: "first" \(layers) }
          """, file: "in-place"), context: LayerContext(phase: .train, seed: 3))
    #expect(net.layers.allSatisfy { $0.top[0] === net.blob("x") })
  }
}
