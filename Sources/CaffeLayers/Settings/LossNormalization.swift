import CaffeErrors
import CaffeSchema

/// What a loss summed over many positions is divided by (`loss_param`).
struct LossNormalization {
  private let mode: LossParameter.NormalizationMode
  /// The label that does not count, if there is one.
  let ignored: Int?

  /// `normalize` counts only where `normalization` is not set.
  ///
  /// - Parameter fallback: the layer's own mode where neither is set.
  init(_ loss: LossParameter, fallback: LossParameter.NormalizationMode = .valid) {
    if loss.hasNormalization {
      mode = loss.normalization
    } else if loss.hasNormalize {
      mode = loss.normalize ? .valid : .batchSize
    } else {
      mode = fallback
    }
    ignored = loss.hasIgnoreLabel ? loss.ignoreLabel : nil
  }

  /// - Parameter counted: how many labels were not ignored.
  /// - Returns: at least 1, so that a batch of ignored labels gives 0 and not NaN.
  func divisor(outer: Int, inner: Int, counted: Int) -> Float {
    let divisor =
      switch mode {
      case .full: outer * inner
      case .valid: ignored == nil ? outer * inner : counted
      case .batchSize: outer
      case .none: 1
      }
    return Float(max(1, divisor))
  }
}

/// Checks on the labels of losses and accuracies.
enum LabelCheck {
  /// - Throws: when there is not one label for each position of the scores.
  static func count(_ labels: Int, positions: Int, scores: String) throws {
    guard labels == positions else {
      throw CaffeError(
        "there must be one label for each position of the scores: \(labels) labels, \(positions) positions (scores \(scores))"
      )
    }
  }

  /// - Throws: naming the first label that is no class.
  static func range(_ invalid: (index: Int, value: Float)?, classes: Int) throws {
    guard let invalid else { return }
    throw CaffeError(
      "label \(Text.number(invalid.value)) at index \(invalid.index) is not one of the \(classes) classes (0..<\(classes))"
    )
  }
}
