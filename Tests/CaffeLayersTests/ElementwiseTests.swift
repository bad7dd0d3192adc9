import CaffeCore
import CaffeTestSupport
import Testing

/// AbsVal, BNLL, Clip, ELU, Exp, Log, Power, Sigmoid, Swish and Threshold.
struct ElementwiseTests {
  static let cases = [
    LayerTestCase("absolute", #"type: "AbsVal""#, [[2, 3, 4]]),
    LayerTestCase("softplus", #"type: "BNLL""#, [[2, 3, 4]]),
    LayerTestCase("clip", #"type: "Clip" clip_param { min: -0.52 max: 0.81 }"#, [[2, 3, 4]]),
    LayerTestCase("elu", #"type: "ELU" elu_param { alpha: 0.7 }"#, [[2, 3, 4]]),
    LayerTestCase("elu alpha -1", #"type: "ELU" elu_param { alpha: -1 }"#, [[2, 3, 4]]),
    LayerTestCase("exp", #"type: "Exp""#, [[5]]),
    LayerTestCase("exp 2", #"type: "Exp" exp_param { base: 2 scale: -0.5 shift: 0.3 }"#, [[2, 5]]),
    LayerTestCase("log 10", #"type: "Log" log_param { base: 10 scale: 0.5 shift: 2 }"#, [[2, 5]]),
    LayerTestCase("power 0", #"type: "Power" power_param { power: 0 }"#, [[2, 5]]),
    LayerTestCase("power 1", #"type: "Power" power_param { scale: 3 shift: 1 }"#, [[2, 5]]),
    LayerTestCase("cube", #"type: "Power" power_param { power: 3 }"#, [[2, 5]]),
    LayerTestCase(
      "power -0.5", #"type: "Power" power_param { power: -0.5 scale: 0.5 shift: 2 }"#, [[2, 5]]),
    LayerTestCase("sigmoid", #"type: "Sigmoid""#, [[2, 3, 4]]),
    LayerTestCase("swish", #"type: "Swish" swish_param { beta: 1.5 }"#, [[2, 3, 4]]),
  ]

  @Test(arguments: cases) func gradients(_ layer: LayerTestCase) throws {
    var random = TestRandom(seed: 4)
    try layer.expectGradients([random.spaced(layer.shapes[0].reduce(1, *))], step: 4e-3)
  }

  @Test func valuesAtLandmarks() throws {
    func values(_ settings: String, _ inputs: [Float]) throws -> [Float] {
      try LayerTestCase(settings, settings, [[inputs.count]]).output([inputs])
    }
    #expect(try values(#"type: "AbsVal""#, [-2, 0, 3]) == [2, 0, 3])
    #expect(try values(#"type: "Clip" clip_param { min: -1 max: 2 }"#, [-3, 0, 5]) == [-1, 0, 2])
    #expect(try values(#"type: "Power" power_param { power: 2 shift: 1 }"#, [-3, 2]) == [4, 9])
    #expect(try values(#"type: "Sigmoid""#, [0, 100, -100])[0] == 0.5)
    #expect(try values(#"type: "Swish""#, [0, 50]) == [0, 50])
    #expect(try values(#"type: "BNLL""#, [100, -100])[0] == 100)
    #expect(try values(#"type: "ELU""#, [2, -100]) == [2, -1])
    // A value on the threshold is not above it.
    let threshold = #"type: "Threshold" threshold_param { threshold: 0.5 }"#
    #expect(try values(threshold, [0.5, 0.6, -1]) == [0, 1, 0])
  }

  @Test(arguments: [
    RefusedLayer(#"type: "Clip" clip_param { min: 2 max: 1 }"#, [[3]], "min must be at most max"),
    RefusedLayer(#"type: "Clip""#, [[3]], "clip_param needs min and max"),
    RefusedLayer(
      #"type: "Exp" exp_param { base: 0 }"#, [[3]], "base must be positive, or -1 for e"),
    RefusedLayer(
      #"type: "Log" log_param { base: 1 }"#, [[3]], "base must be positive and not 1, or -1 for e"),
  ])
  func refuses(_ layer: RefusedLayer) { layer.expect() }
}
