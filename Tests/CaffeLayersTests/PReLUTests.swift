import CaffeCore
import CaffeNet
import CaffeTestSupport
import Testing

struct PReLUTests {
  // slopes 0.5 2:   -2 4   -1 -3   →   -1 4   -2 -6
  @Test func aSlopeForEachChannel() throws {
    let layer = LayerTestCase("prelu", #"type: "PReLU""#, [[1, 2, 2]])
    let net = try layer.net()
    try layer.fill(net, [[-2, 4, -1, -3]])
    #expect(net.parameters[0].blob.data.values == [0.25, 0.25])
    net.parameters[0].blob.data.values = [0.5, 2]
    try net.forward()
    #expect(net.blob("out0")?.data.values == [-1, 4, -2, -6])
  }

  @Test(arguments: [
    LayerTestCase("channels", #"type: "PReLU""#, [[2, 3, 2, 4]]),
    LayerTestCase("rows", #"type: "PReLU""#, [[4, 3]]),
    LayerTestCase("shared", #"type: "PReLU" prelu_param { channel_shared: true }"#, [[2, 3, 4]]),
  ])
  func gradients(_ layer: LayerTestCase) throws {
    var random = TestRandom(seed: 5)
    try layer.expectGradients([random.spaced(layer.shapes[0].reduce(1, *))], step: 5e-3)
  }

  @Test func refuses() {
    RefusedLayer(#"type: "PReLU""#, [[5]], "the bottom must have at least 2 axes").expect()
  }
}
