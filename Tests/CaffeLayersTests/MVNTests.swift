import CaffeCore
import CaffeTestSupport
import Testing

struct MVNTests {
  // 1 3 → -1 1 for each channel; across channels 1 3 5 7: mean 4, variance 5
  @Test func normalisesPlanesOrImages() throws {
    let plane = LayerTestCase("planes", #"type: "MVN""#, [[1, 2, 2]])
    #expect(try plane.output([[1, 3, 5, 9]]) == [-1, 1, -1, 1])
    let mean = #"type: "MVN" mvn_param { across_channels: true normalize_variance: false }"#
    #expect(
      try LayerTestCase("image", mean, [[1, 2, 2]]).output([[1, 3, 5, 7]]) == [-3, -1, 1, 3])
  }

  @Test(arguments: [true, false], [true, false])
  func gradients(across: Bool, variance: Bool) throws {
    var random = TestRandom(seed: 5)
    try LayerTestCase(
      "mvn",
      "type: \"MVN\" mvn_param { across_channels: \(across) normalize_variance: \(variance) }",
      [[2, 3, 2, 4]]
    ).expectGradients([random.spaced(48)], step: 4e-3, tolerance: 5e-3)
  }

  @Test func refuses() {
    RefusedLayer(#"type: "MVN""#, [[]], "the bottom must have at least 1 axis").expect()
  }
}
