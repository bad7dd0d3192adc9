import CaffeCore

/// An operation that may have a copy of the weights.
protocol WeightsKeeping {
  /// Whether the copy can be turned back into them: into values at least of which it makes the same copy.
  var givesWeightsBack: Bool { get }
  /// Overwrites `weights` with those of the last `forward`; only where it gives them back.
  func giveBack(_ weights: Tensor)
}

extension WeightsKeeping {
  var givesWeightsBack: Bool { false }
  func giveBack(_ weights: Tensor) {}
}

extension Layer {
  /// Takes the weights back, before there is another operation, if the last one alone has them.
  ///
  /// - Parameter weights: those that the operation was given, if they are not the first parameter.
  func takeWeightsBack(from operation: (any WeightsKeeping)?, into weights: Tensor? = nil) {
    guard let operation, parameters[0].data.isGone, operation.givesWeightsBack else { return }
    operation.giveBack(weights ?? parameters[0].data)
  }
}
