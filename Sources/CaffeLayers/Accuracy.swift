import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// The share of labels that are among the `top_k` best scores.
///
/// - Bottoms: scores with the classes on `axis`, and one label for each other position. Tops: the
///   accuracy, a scalar, and optionally the accuracy of each class `[c]`, 0 for a class that does not
///   appear.
///
/// A tie counts against the label: it is right if fewer than `top_k` other classes score as much or
/// more. A score that is NaN is never right.
///
/// Source: BVLC Caffe, `accuracy_layer.cpp`.
final class AccuracyLayer: Layer {
  static let kind = LayerKind(
    "Accuracy", bottoms: .exactly(2), tops: .between(1, 2), labels: [1], isForwardOnly: true,
    documentation: LayerDocumentation(
      "The share of labels that are among the top_k best scores; a tie counts against the label",
      formula:
        "accuracy = (labels for which fewer than top_k other classes score as much or more) / labels",
      parameterFields: ["accuracy_param"], source: "accuracy_layer.cpp")
  ) { try AccuracyLayer($0, context: $1) }

  private let topK: Int
  private let ignored: Int?

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let accuracy = parameter.accuracyParam
    topK = accuracy.topK
    ignored = accuracy.hasIgnoreLabel ? accuracy.ignoreLabel : nil
    guard topK >= 1 else { throw CaffeError("top_k must be at least 1, got \(topK)") }
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let extents = try SoftmaxExtents(bottoms[0], axis: parameter.accuracyParam.axis)
    guard topK <= extents.channels else {
      throw CaffeError(
        "top_k must be less than or equal to the number of classes (\(extents.channels)), got \(topK)"
      )
    }
    try LabelCheck.count(
      bottoms[1].count, positions: extents.labelCount, scores: "\(bottoms[0])")
    return parameter.top.count > 1 ? [[], try Shape([extents.channels])] : [[]]
  }

  override func forward() throws {
    let extents = try SoftmaxExtents(bottom[0].shape, axis: parameter.accuracyParam.axis)
    let labels = bottom[1].data.read()
    try LabelCheck.range(
      Labels.firstInvalid(
        labels, count: extents.labelCount, classes: extents.channels, ignoring: ignored),
      classes: extents.channels)
    let count = AccuracyKernel.count(
      bottom[0].data.read(), labels: labels, extents, top: topK, ignoring: ignored)
    top[0].data.values = [share(count.correct, of: count.total)]
    if top.count > 1 {
      top[1].data.values = zip(count.correctPerClass, count.totalPerClass).map(share)
    }
  }

  private func share(_ part: Int, of whole: Int) -> Float {
    whole == 0 ? 0 : Float(part) / Float(whole)
  }
}
