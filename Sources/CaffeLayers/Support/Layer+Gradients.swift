import CaffeCore
import CaffeKernels

extension Layer {
  /// The gradients that the backward pass of a layer with weights will be asked for.
  var wantedGradients: WeightedGradients {
    var gradients: WeightedGradients = []
    if learns.contains(true) { gradients.insert(.weights) }
    if propagateDown.contains(true) { gradients.insert(.input) }
    return gradients
  }

  /// Takes over the gradients of ReLUs in place on the bottoms, as far as the net is planned so: for each
  /// bottom, the ReLU. To be called by `reshape()`.
  func fuseServedReLUs() -> [ReLULayer?] {
    guard !servedReLUs.isEmpty else { return bottom.map { _ in nil } }
    return servedReLUs.map { served in
      guard let relu = served?.layer as? ReLULayer else { return nil }
      fuse(.backward, of: relu)
      return relu
    }
  }
}
