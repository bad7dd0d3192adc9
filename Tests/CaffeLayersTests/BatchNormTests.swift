import CaffeCore
import CaffeNet
import CaffeTestSupport
import Testing

struct BatchNormTests {
  // channel 0: 1 3 → mean 2, variance 1 (unbiased 2);  channel 1: 4 8 → mean 6, variance 4 (8)
  @Test func normalisesAndKeepsStatistics() throws {
    let layer = LayerTestCase(
      "norm", #"type: "BatchNorm" batch_norm_param { moving_average_fraction: 0.5 eps: 0 }"#,
      [[2, 2]])
    let net = try layer.net()
    try layer.fill(net, [[1, 4, 3, 8]])
    try net.forward()
    #expect(net.blob("out0")?.data.values == [-1, -1, 1, 1])
    try net.forward()
    // Each pass: half of what was there and the batch's.
    #expect(net.parameters.map(\.blob.data.values) == [[3, 9], [3, 12], [1.5]])
  }

  @Test func readsKeptAveragesInTesting() throws {
    let layer = LayerTestCase(
      "norm", #"type: "BatchNorm" batch_norm_param { eps: 0.25 }"#, [[1, 2]])
    let net = try layer.net(phase: .test)
    net.parameters[0].blob.data.values = [2, 6]
    net.parameters[1].blob.data.values = [1.5, 7.5]
    net.parameters[2].blob.data.values = [2]
    try layer.fill(net, [[3, 7]])
    try net.forward()
    #expect(net.blob("out0")?.data.values == [2, 2])
    net.parameters[2].blob.data.values = [0]  // averages of nothing are 0
    try net.forward()
    #expect(net.blob("out0")?.data.values == [6, 14])
  }

  static let options = ["", "eps: 0.5", "use_global_stats: true eps: 0.1"]
  static let shapes = [[4, 3], [2, 3, 2, 3], [6]]

  @Test(arguments: options, shapes) func gradients(_ options: String, _ shape: [Int]) throws {
    var random = TestRandom(seed: 5)
    let layer = LayerTestCase(
      options, "type: \"BatchNorm\" batch_norm_param { \(options) }", [shape])
    let count = shape.reduce(1, *)
    let report = try checkGradients(layer.text, inputs: ["in0": random.spaced(count)], step: 4e-3)
    #expect(report.compared == count)
    #expect(report.worst < 5e-3, "\(report)")
  }

  @Test func leavesStatisticsToItself() {
    RefusedLayer(
      #"type: "BatchNorm" param { lr_mult: 1 }"#, [[2, 3]], "its lr_mult must be 0"
    ).expect()
    RefusedLayer(#"type: "BatchNorm""#, [[]], "the bottom must have at least 1 axis").expect()
  }
}
