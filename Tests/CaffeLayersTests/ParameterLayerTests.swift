import CaffeCore
import CaffeNet
import CaffeTestSupport
import Testing

/// Parameter and Silence.
struct ParameterLayerTests {
  @Test func topIsACopyOfWhatIsLearned() throws {
    let layer = LayerTestCase(
      "parameter", #"type: "Parameter" parameter_param { shape { dim: 2 dim: 3 } }"#, [])
    let net = try layer.net()
    #expect(net.parameters[0].blob.data.values == Array(repeating: 0, count: 6))
    net.parameters[0].blob.data.values = [1, 2, 3, 4, 5, 6]
    try net.forward()
    #expect(net.blob("out0")?.data.values == [1, 2, 3, 4, 5, 6])
    #expect(net.blob("out0")?.shape == [2, 3])
    try layer.expectGradients([])
  }

  /// As with `iter_size`: a second backward pass adds to the first.
  @Test func gradientsAddUp() throws {
    let net = try LayerTestCase(
      "parameter", #"type: "Parameter" parameter_param { shape { dim: 2 } }"#, []
    ).net()
    net.clearGradients()
    for _ in 0..<2 {
      try net.forward()
      net.blob("out0")?.diff.values = [1, 10]
      try net.backward()
    }
    #expect(net.parameters[0].blob.diff.values == [2, 20])
  }

  @Test func silenceGivesNoGradient() throws {
    let layer = LayerTestCase("silence", #"type: "Silence""#, [[2], [3]], tops: 0)
    let net = try layer.net()
    for name in ["in0", "in1"] {
      let blob = try #require(net.blob(name))
      blob.diff.values = Array(repeating: 7, count: blob.count)
    }
    try net.forward()
    try net.backward()
    #expect(net.outputs.isEmpty)
    #expect(net.blob("in0")?.diff.values == [0, 0])
    #expect(net.blob("in1")?.diff.values == [0, 0, 0])
  }
}
