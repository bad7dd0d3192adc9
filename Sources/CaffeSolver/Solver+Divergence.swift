import CaffeCore
import CaffeErrors
import CaffeKernels

extension Solver {
  /// Why a run cannot go on: where the first value appeared that is not finite, and what to go back to.
  ///
  /// - Parameter what: such as `the loss became nan`.
  func divergence(_ what: String) -> CaffeError {
    let rate = Text.number(learningRate.rate(at: iteration))
    let advice =
      lastSnapshot.map { "; the last good snapshot is \($0)" } ?? "; there is no snapshot yet"
    return CaffeError(
      "\(what) at iteration \(iteration) with learning rate \(rate): "
        + firstDivergence() + advice)
  }

  /// Runs the passes of the iteration once more, layer by layer, because blobs may have given up their
  /// values since.
  private func firstDivergence() -> String {
    let passes = min(UInt64(parameter.iterSize), net.clock.pass)
    do {
      try net.seek(toPass: net.clock.pass - passes)
      for _ in 0..<passes {
        for (index, layer) in net.layers.enumerated() {
          if let index = layer.parameters.firstIndex(where: { !isFinite($0) }) {
            return "param \(index) of layer '\(layer.name)' is not finite"
          }
          try net.forward(layer: index)
          if let blob = layer.top.first(where: { !isFinite($0) }) {
            return "blob '\(blob.name)' of layer '\(layer.name)' is the first that is not finite"
          }
        }
        net.clock.advance()
      }
    } catch {
      return "\(error)"
    }
    return "every blob is finite, but their weighted sum is not"
  }

  private func isFinite(_ blob: Blob) -> Bool {
    Vector.isFinite(blob.data.read(), count: blob.count)
  }
}
