import CaffeTestSupport
import Testing

struct ContrastiveLossTests {
  // a − b  3 4  similar      d = 5:   25
  //        0 1  dissimilar   d = 1:   (margin 3 − 1)² = 4, or with d² 3 − 1 = 2
  //        0 5  dissimilar   d = 5 ≥ margin: 0
  @Test(arguments: [("false", Float(29.0 / 6)), ("true", Float(27.0 / 6))])
  func costsOfPairs(legacy: String, expected: Float) throws {
    let loss = try LayerTestCase(
      legacy,
      #"type: "ContrastiveLoss" contrastive_loss_param { margin: 3 legacy_version: \#(legacy) }"#,
      [[3, 2], [3, 2], [3]]
    ).output([[4, 5, 0, 2, 1, 5], [1, 1, 0, 1, 1, 0], [1, 0, 0]])
    #expect(abs(loss[0] - expected) < 1e-6)
  }

  /// Distances here are about 1.2, so that some pairs are within the margin and some beyond it.
  @Test(arguments: ["", "margin: 1.2", "margin: 1.5 legacy_version: true", "margin: 0.1"])
  func gradients(_ settings: String) throws {
    var random = TestRandom(seed: 12)
    let layer = LayerTestCase(
      settings, #"type: "ContrastiveLoss" contrastive_loss_param { \#(settings) }"#,
      [[6, 4, 1, 1], [6, 4], [6]])
    try layer.expectGradients(
      [random.values(24), random.values(24), [1, 0, 0, 1, 0, 0]], fixed: [2], step: 2e-3)
  }
}
