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
}
