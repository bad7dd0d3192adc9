import CaffeCore
import CaffeNet
import CaffeTestSupport
import Testing

/// Scale and Bias, which share their broadcasting.
struct ScaleTests {
  // x  1 2  3 4  5 6   times  2 -1 3   plus  10 20 30
  @Test func oneFactorAndSummandForEachChannel() throws {
    let layer = LayerTestCase(
      "scale", #"type: "Scale" scale_param { bias_term: true }"#, [[1, 3, 2]])
    let net = try layer.net()
    try layer.fill(net, [[1, 2, 3, 4, 5, 6]])
    #expect(net.parameters.map(\.blob.data.values) == [[1, 1, 1], [0, 0, 0]])
    net.parameters[0].blob.data.values = [2, -1, 3]
    net.parameters[1].blob.data.values = [10, 20, 30]
    try net.forward()
    #expect(net.blob("out0")?.data.values == [12, 14, 17, 16, 45, 48])
  }

  static let filler = #"filler { type: "uniform" min: -2 max: 2 }"#
  static let cases = ["Scale scale_param", "Bias bias_param"].flatMap { type in
    let words = type.split(separator: " ")
    let (type, field) = (words[0], words[1])
    func layer(_ name: String, _ options: String, _ shapes: [[Int]]) -> LayerTestCase {
      LayerTestCase(
        "\(type) \(name)", "type: \"\(type)\" \(field) { \(options) \(Self.filler) }", shapes)
    }
    return [
      layer("channels", "", [[2, 3, 2, 4]]),
      layer("axis -1", "axis: -1", [[2, 3, 4]]),
      layer("axis -2, 2 axes", "axis: -2 num_axes: 2", [[2, 3, 4]]),
      layer("all axes", "axis: 0 num_axes: -1", [[2, 3]]),
      layer("one value", "num_axes: 0", [[2, 3]]),
      layer("second bottom", "axis: 1", [[2, 3, 4, 2], [3, 4]]),
      layer("second bottom on the batch", "axis: 0", [[2, 3, 4], [2, 3]]),
      layer("scalar second bottom", "axis: 0", [[2, 3], []]),
    ]
  }

  @Test(arguments: cases) func gradients(_ layer: LayerTestCase) throws {
    var random = TestRandom(seed: 5)
    try layer.expectGradients(layer.shapes.map { random.spaced($0.reduce(1, *)) })
  }

  @Test func aSecondBottomAndALearnedBias() throws {
    var random = TestRandom(seed: 5)
    try LayerTestCase(
      "both", #"type: "Scale" scale_param { bias_term: true }"#, [[2, 3, 4], [3]]
    ).expectGradients([random.spaced(24), random.spaced(3)])
  }

  @Test(arguments: ["Scale", "Bias"]) func refuses(type: String) {
    let field = "type: \"\(type)\" \(type.lowercased())_param"
    RefusedLayer(
      "\(field) { num_axes: -2 }", [[2, 3]], "num_axes must be -1 (all axes) or at least 0"
    )
    .expect()
    RefusedLayer(
      "\(field) { num_axes: 2 }", [[2, 3]], "axis 1 and num_axes 2 reach past the last axis"
    )
    .expect()
    RefusedLayer("\(field) { axis: 4 }", [[2, 3]], "axis 4 is out of range").expect()
    RefusedLayer("\(field) { }", [[2, 3], [4]], "does not fit the bottom's axes from 1 on").expect()
    RefusedLayer("\(field) { }", [[2, 3], [3, 1]], "does not fit the bottom's axes from 1 on")
      .expect()
  }

  @Test func refusesABottomThatOutgrowsWhatIsLearned() throws {
    let net = try LayerTestCase(
      "batch", #"type: "Scale" scale_param { axis: 0 }"#, [[2, 3]]
    ).net()
    net.blob("in0")?.reshape([4, 3])
    expectError("the scale was made for shape 2 (2), the bottom now needs 4 (4)") {
      try net.forward()
    }
  }
}
