import CaffeCore
import CaffeErrors
import CaffeKernels

/// The lines of `debug_info`: the mean magnitude Σ|x| / count of every blob, parameter and gradient, as
/// each layer leaves it. Parameters go by their `param { name }`, or their number within the layer; in
/// the lines of the backward pass by their number, as in Caffe.
///
/// Source: BVLC Caffe, `Net::ForwardDebugInfo` and those after it.
extension Net {
  func reportForward(_ layer: Layer) {
    for top in layer.top {
      debug("[Forward] Layer \(layer.name), top blob \(top.name) data: \(magnitude(top.data))")
    }
    for (index, blob) in layer.parameters.enumerated() {
      let name = displayName(index, of: layer)
      debug("[Forward] Layer \(layer.name), param blob \(name) data: \(magnitude(blob.data))")
    }
  }

  /// Only of the bottoms and parameters for which the layer has computed a gradient.
  func reportBackward(_ layer: Layer) {
    for (bottom, isComputed) in zip(layer.bottom, layer.propagateDown) where isComputed {
      debug(
        "[Backward] Layer \(layer.name), bottom blob \(bottom.name) diff: \(magnitude(bottom.diff))"
      )
    }
    for (index, blob) in layer.parameters.enumerated() where layer.learns[index] {
      debug("[Backward] Layer \(layer.name), param blob \(index) diff: \(magnitude(blob.diff))")
    }
  }

  /// Norms over all learnable blobs, those of other nets that this one uses included.
  func reportNorms() {
    func norms(_ tensor: (Blob) -> Tensor) -> (l1: Double, l2: Double) {
      let tensors = parameters.map { tensor($0.blob) }
      let sum = tensors.reduce(0) { $0 + Vector.absoluteSum($1.read(), count: $1.count) }
      let squares = tensors.reduce(0) { $0 + Vector.squaredSum($1.read(), count: $1.count) }
      return (sum, squares.squareRoot())
    }
    let (data, diff) = (norms(\.data), norms(\.diff))
    debug(
      "[Backward] All net params (data, diff): "
        + "L1 norm = (\(Text.number(data.l1)), \(Text.number(diff.l1))); "
        + "L2 norm = (\(Text.number(data.l2)), \(Text.number(diff.l2)))")
  }

  /// Reports an update of the parameters that `step` makes: their mean magnitudes before it and those
  /// of the step, which it must leave in their gradients.
  package func reportUpdate(_ step: () -> Void) {
    let before = parameters.map { magnitude($0.blob.data) }
    step()
    for layer in layers {
      for (index, blob) in layer.parameters.enumerated() {
        guard let number = parameters.firstIndex(where: { $0.blob.data.shares(blob.data) }) else {
          continue
        }
        let (owner, name) = (parameters[number], displayName(index, of: layer))
        let isOwner = owner.layer == layer.name && owner.blob === blob
        debug(
          isOwner
            ? "[Update] Layer \(layer.name), param \(name) data: \(before[number]); diff: \(magnitude(blob.diff))"
            : "[Update] Layer \(layer.name), param blob \(name) (owned by layer \(owner.layer), param \(owner.displayName)) diff: \(magnitude(blob.diff))"
        )
      }
    }
  }

  private func debug(_ line: String) { debugReport("    \(line)") }

  private func magnitude(_ tensor: Tensor) -> String {
    Text.number(Vector.meanMagnitude(tensor.read(), count: tensor.count))
  }

  private func displayName(_ index: Int, of layer: Layer) -> String {
    let specs = layer.parameter.param
    let name = index < specs.count ? specs[index].name : ""
    return name.isEmpty ? String(index) : name
  }
}
