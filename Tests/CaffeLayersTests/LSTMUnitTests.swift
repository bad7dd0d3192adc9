import CaffeTestSupport
import Foundation
import Testing

struct LSTMUnitTests {
  private static let layer = LayerTestCase(
    "LSTMUnit", #"type: "LSTMUnit""#, [[1, 3, 4], [1, 3, 16], [1, 3]], tops: 2)

  // One unit: gates 0 make i = f = o = ½ and g = tanh 0 = 0, so c = cont · ½ · 4, h = ½ · tanh c.
  @Test(arguments: [Float(0), 1]) func openGatesHalveTheCell(cont: Float) throws {
    let layer = LayerTestCase("", #"type: "LSTMUnit""#, [[1, 1, 1], [1, 1, 4], [1, 1]], tops: 2)
    let net = try layer.net()
    try layer.fill(net, [[4], [0, 0, 0, 0], [cont]])
    try net.forward()
    #expect(net.blob("out0")?.data.values == [2 * cont])
    let hidden = try #require(net.blob("out1")).data.values[0]
    #expect(abs(hidden - tanhf(2 * cont) / 2) < 1e-6)
  }

  @Test func gradients() throws {
    var random = TestRandom(seed: 4)
    try Self.layer.expectGradients(
      [random.values(12), random.values(48), [1, 0, 1]], fixed: [2])
  }

  @Test(arguments: [
    RefusedLayer(
      #"type: "LSTMUnit""#, [[2, 3, 4], [2, 3, 16], [2, 3]], tops: 2, "one step of cells"),
    RefusedLayer(
      #"type: "LSTMUnit""#, [[1, 3, 4], [1, 3, 12], [1, 3]], tops: 2, "4 gates for each cell"),
    RefusedLayer(
      #"type: "LSTMUnit""#, [[1, 3, 4], [1, 3, 16], [3, 1]], tops: 2, "one number for each stream"),
  ])
  func refuses(_ layer: RefusedLayer) { layer.expect() }
}
