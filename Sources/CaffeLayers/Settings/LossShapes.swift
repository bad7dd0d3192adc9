import CaffeCore
import CaffeErrors
import CaffeKernels

/// What losses demand of the shapes of their bottoms.
enum LossShapes {
  /// The smallest probability that MultinomialLogisticLoss and InfogainLoss reckon with.
  static let smallestProbability: Float = 1e-20

  /// - Throws: when two bottoms have different batch sizes.
  static func checkBatch(_ bottoms: [Shape]) throws {
    guard bottoms[0].legacy(0) == bottoms[1].legacy(0) else {
      throw CaffeError(
        "The data and label should have the same first dimension: \(bottoms[0].legacy(0)) vs. \(bottoms[1].legacy(0))"
      )
    }
  }

  /// - Throws: when two bottoms differ in size.
  static func checkCount(_ bottoms: [Shape]) throws {
    guard bottoms[0].count == bottoms[1].count else {
      throw CaffeError(
        "both inputs must have the same count: \(bottoms[0]) vs. \(bottoms[1])")
    }
  }
}

extension SoftmaxExtents {
  /// One row of scores, over all axes but the first, for each item of the batch.
  init(rowsOf shape: Shape) {
    self.init(
      outer: shape.legacy(0), channels: shape.axes > 0 ? shape.count(from: 1) : 1, inner: 1)
  }

  /// What a mean over the batch divides by.
  var batch: Float { Float(max(1, outer)) }

  /// - Throws: naming the first label that is no class.
  func check(_ labels: Blob, ignoring ignored: Int? = nil) throws {
    try LabelCheck.range(
      Labels.firstInvalid(
        labels.data.read(), count: labelCount, classes: channels, ignoring: ignored),
      classes: channels)
  }
}
