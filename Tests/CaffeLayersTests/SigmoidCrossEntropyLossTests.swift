import CaffeTestSupport
import Foundation
import Testing

struct SigmoidCrossEntropyLossTests {
  private static let scores: [Float] = [0, 2, -1, 0.5, -0.3, 1.4]
  /// One target is 3, which `ignore_label: 3` takes out.
  private static let targets: [Float] = [0, 1, 0.3, 3, 0.9, 0.5]

  private static func entropy(_ places: [Int]) -> Float {
    Float(
      places.reduce(0.0) { sum, place in
        let (x, t) = (Double(scores[place]), Double(targets[place]))
        return sum + Foundation.log(1 + Foundation.exp(x)) - x * t
      })
  }

  /// Two items of three values each: by the batch 2, all 6, not ignored 5, nothing 1.
  @Test(arguments: [
    ("", [0, 1, 2, 3, 4, 5], 2), ("normalization: FULL", [0, 1, 2, 3, 4, 5], 6),
    ("ignore_label: 3", [0, 1, 2, 4, 5], 2),
    ("ignore_label: 3 normalization: VALID", [0, 1, 2, 4, 5], 5),
    ("ignore_label: 3 normalize: true", [0, 1, 2, 4, 5], 5),
    ("ignore_label: 3 normalization: NONE", [0, 1, 2, 4, 5], 1),
  ])
  func dividesByTheNormaliser(_ settings: String, places: [Int], divisor: Float) throws {
    let layer = LayerTestCase(
      settings, #"type: "SigmoidCrossEntropyLoss" loss_param { \#(settings) }"#, [[2, 3], [2, 3]])
    let loss = try layer.output([Self.scores, Self.targets])
    #expect(abs(loss[0] - Self.entropy(places) / divisor) < 1e-5)
    try layer.expectGradients([Self.scores, Self.targets], fixed: [1])
  }

  /// e^100 overflows; the loss of a sure mistake is the score itself.
  @Test func neitherOverflowsNorLosesDigits() throws {
    let layer = LayerTestCase("", #"type: "SigmoidCrossEntropyLoss""#, [[1, 2], [1, 2]])
    #expect(try layer.output([[100, -100], [0, 1]]) == [200])
    #expect(try layer.output([[100, -100], [1, 0]])[0] < 1e-30)
  }
}
