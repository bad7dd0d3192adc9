import CaffeCore
import CaffeNet
import CaffeTestSupport
import Testing

struct SPPTests {
  // 1 2 3
  // 4 5 6  →  level 0: 9; level 1, bins of 2x2 from row and column -1: 1 3 7 9
  // 7 8 9
  @Test func poolsAPyramid() throws {
    let layer = LayerTestCase(
      "spp", #"type: "SPP" spp_param { pyramid_height: 2 }"#, [[1, 1, 3, 3]])
    #expect(try layer.output([(1...9).map(Float.init)]) == [9, 1, 3, 7, 9])
  }

  @Test(arguments: ["MAX", "AVE"], 1...3) func gradients(pool: String, height: Int) throws {
    var random = TestRandom(seed: 5)
    let options = "pool: \(pool) pyramid_height: \(height)"
    let layer = LayerTestCase(options, "type: \"SPP\" spp_param { \(options) }", [[2, 2, 6, 7]])
    #expect(
      try layer.net().blob("out0")?.shape
        == (height == 1 ? [2, 2, 1, 1] : height == 2 ? [2, 10] : [2, 42]))
    try layer.expectGradients([random.spaced(168)], step: 2e-3, tolerance: 5e-3)
  }

  @Test(arguments: [
    RefusedLayer(
      #"type: "SPP" spp_param { pyramid_height: 0 }"#, [[1, 1, 3, 3]],
      "pyramid_height must be in 1...16"),
    RefusedLayer(
      #"type: "SPP" spp_param { pyramid_height: 3 }"#, [[1, 1, 5, 5]],
      "a plane of 5x5 has too few cells for 4x4 bins; lower pyramid_height"),
    RefusedLayer(
      #"type: "SPP" spp_param { pyramid_height: 1 }"#, [[1, 3, 3]], "the bottom must have 4 axes"),
  ])
  func refuses(_ layer: RefusedLayer) { layer.expect() }
}
