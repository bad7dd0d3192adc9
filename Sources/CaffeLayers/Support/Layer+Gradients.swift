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

  /// Takes over the gradient of a ReLU in place on the only bottom, where nobody can look and nobody else
  /// has: the bottom's values must stay. To be called by `reshape()`.
  func fuseReLUBelow() -> ReLULayer? {
    guard bottom.count == 1, propagateDown[0], let relu = makers.first?.last?.layer as? ReLULayer,
      relu.bottom[0] === relu.top[0], !relu.isFused(.backward)
    else { return nil }
    fuse(.backward, of: relu)
    return relu
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
