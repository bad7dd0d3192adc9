import CaffeErrors
import CaffeTestSupport
import Testing

/// What all losses share: gradients, and labels that are no class.
struct LossTests {
  /// A loss with labels, and its inputs.
  static let labelled = [
    LayerTestCase("hinge L1", #"type: "HingeLoss""#, [[4, 5], [4]]),
    LayerTestCase(
      "hinge L2 spatial", #"type: "HingeLoss" hinge_loss_param { norm: L2 } loss_weight: 0.5"#,
      [[3, 5, 2, 2], [3, 1, 1, 1]]),
    LayerTestCase("multinomial", #"type: "MultinomialLogisticLoss""#, [[4, 5], [4]]),
    LayerTestCase("multinomial row", #"type: "MultinomialLogisticLoss""#, [[1, 6], [1, 1]]),
    LayerTestCase("infogain", #"type: "InfogainLoss""#, [[4, 5], [4], [1, 1, 5, 5]]),
    LayerTestCase(
      "infogain axis -1", #"type: "InfogainLoss" infogain_loss_param { axis: -1 }"#,
      [[2, 3, 4], [2, 3], [4, 4]]),
    LayerTestCase(
      "infogain ignored",
      #"type: "InfogainLoss" loss_param { ignore_label: 1 normalization: BATCH_SIZE }"#,
      [[2, 3, 2, 3], [2, 1, 2, 3], [3, 3]]),
    LayerTestCase(
      "infogain FULL", #"type: "InfogainLoss" loss_param { normalization: FULL }"#,
      [[2, 3, 3], [2, 3], [3, 3]]),
  ]

  static let unlabelled = [
    LayerTestCase("euclidean", #"type: "EuclideanLoss""#, [[4, 3, 2], [4, 3, 2]]),
    LayerTestCase(
      "euclidean row", #"type: "EuclideanLoss" loss_weight: 3"#, [[1, 6], [1, 3, 2]]),
  ]

  /// Classes that every item of a batch can have.
  private func classes(_ layer: LayerTestCase) -> Int {
    let scores = layer.shapes[0]
    if layer.settings.contains("axis: -1") { return scores[scores.count - 1] }
    return layer.settings.contains("Infogain") ? scores[1] : scores.dropFirst().reduce(1, *)
  }

  private func inputs(_ layer: LayerTestCase) -> [[Float]] {
    var random = TestRandom(seed: 8)
    return layer.shapes.enumerated().map { index, shape in
      let count = shape.reduce(1, *)
      switch index {
      case 0: return random.spaced(count, 0.15, 1.75)
      case 1: return (0..<count).map { Float(($0 * 2 + 1) % classes(layer)) }
      default: return random.values(count, 0, 1)
      }
    }
  }

  @Test(arguments: labelled) func gradientsOfScores(_ layer: LayerTestCase) throws {
    try layer.expectGradients(inputs(layer), fixed: Set(layer.shapes.indices.dropFirst()))
  }

  @Test(arguments: unlabelled) func gradientsOfBoth(_ layer: LayerTestCase) throws {
    var random = TestRandom(seed: 9)
    try layer.expectGradients(layer.shapes.map { random.values($0.reduce(1, *)) })
  }

  @Test(arguments: labelled, [Float(-1), 170, 0.5, .nan])
  func refusesLabel(_ layer: LayerTestCase, label: Float) throws {
    var inputs = inputs(layer)
    inputs[1][inputs[1].count - 1] = label
    expectError("label \(Text.number(label)) at index \(inputs[1].count - 1) is not one of") {
      _ = try layer.output(inputs)
    }
  }

  static let refused = [
    RefusedLayer(
      #"type: "EuclideanLoss""#, [[2, 3], [3, 2]],
      "The data and label should have the same first dimension: 2 vs. 3"),
    RefusedLayer(
      #"type: "EuclideanLoss""#, [[2, 3], [2, 4]], "both inputs must have the same count"),
    RefusedLayer(
      #"type: "SigmoidCrossEntropyLoss""#, [[2, 3], [2]], "both inputs must have the same count"),
    RefusedLayer(
      #"type: "HingeLoss""#, [[2, 3], [3]],
      "there must be one label for each position of the scores"),
    RefusedLayer(
      #"type: "MultinomialLogisticLoss""#, [[2, 3], [2, 3]], "6 labels, 2 positions"),
    RefusedLayer(
      #"type: "InfogainLoss""#, [[2, 3], [2]], "Infogain matrix source must be specified"),
    RefusedLayer(
      #"type: "InfogainLoss""#, [[2, 3], [2], [2, 3]], "the infogain matrix must have 3 x 3 values"),
    RefusedLayer(
      #"type: "InfogainLoss" loss_param { normalize: true }"#, [[2, 3], [2], [3, 3]],
      "normalize is deprecated. use \"normalization\""),
    RefusedLayer(
      #"type: "InfogainLoss" infogain_loss_param { source: "/no/such.binaryproto" }"#,
      [[2, 3], [2]], "/no/such.binaryproto"),
    RefusedLayer(
      #"type: "ContrastiveLoss""#, [[2, 3], [2, 4], [2]], "must have the same shape"),
    RefusedLayer(
      #"type: "ContrastiveLoss""#, [[2, 3, 2], [2, 3, 2], [2]], "must have shape n x c (x 1 x 1)"),
    RefusedLayer(
      #"type: "ContrastiveLoss""#, [[2, 3], [2, 3], [2, 2]], "one flag for each of 2 pairs"),
  ]

  @Test(arguments: refused) func refuses(_ layer: RefusedLayer) { layer.expect() }
}
