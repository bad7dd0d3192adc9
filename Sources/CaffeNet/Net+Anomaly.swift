import CaffeCore
import CaffeErrors
import CaffeKernels

/// Finds the first value of a pass that is not finite, in the order in which the net computes.
extension Net {
  /// Looks at what a layer has read and written in `forward`.
  ///
  /// - Throws: a sentence about the first blob with values that are not finite.
  func checkForward(_ layer: Layer) throws {
    for (index, blob) in layer.parameters.enumerated() {
      try check(blob.data, "param \(index)", after: "before the forward pass")
    }
    for blob in layer.top {
      try check(blob.data, "top '\(blob.name)'", after: "after the forward pass")
    }
  }

  /// Looks at the gradients that a layer has computed.
  func checkBackward(_ layer: Layer) throws {
    for (blob, isComputed) in zip(layer.bottom, layer.propagateDown) where isComputed {
      try check(
        blob.diff, "the gradient of bottom '\(blob.name)'", after: "after the backward pass")
    }
    for (index, blob) in layer.parameters.enumerated() where layer.learns[index] {
      try check(blob.diff, "the gradient of param \(index)", after: "after the backward pass")
    }
  }

  private func check(_ tensor: Tensor, _ what: String, after moment: String) throws {
    guard !Vector.isFinite(tensor.read(), count: tensor.count) else { return }
    let values = tensor.values
    let count = values.count { !$0.isFinite }
    guard let first = values.firstIndex(where: { !$0.isFinite }) else { return }
    throw CaffeError(
      "\(what) has \(count) of \(values.count) values that are not finite \(moment); the first is \(Text.number(values[first])), number \(first)"
    )
  }
}
