import CaffeCore

/// A BatchNorm by kept statistics behind a Convolution, and the Scale behind that, worked into the
/// filters and biases: for inference, where they then cost no pass over the activations.
final class FoldedNormalization {
  /// The layers whose work the filters do.
  let layers: [Layer]
  private let norm: BatchNormLayer
  private let factors: ScaleLayer.Factors?
  /// What `fold` last made of the convolution's.
  let filters: Tensor
  private let biases: Tensor
  /// Of which values the filters and biases are made.
  private var revisions: [Int] = []

  /// - Parameter convolution: a layer with filters `[c, …]` that computes no gradient and whose top has
  ///   its `c` channels at axis 1.
  /// - Returns: `nil` if no such BatchNorm follows.
  init?(behind convolution: Layer) throws {
    guard let norm = convolution.followers.first as? BatchNormLayer, norm.usesKeptStatistics,
      !norm.propagateDown[0]
    else { return nil }
    self.norm = norm
    let scale = try norm.scaleBehind()
    factors = scale?.factors
    layers = [norm] + (scale.map { [$0.layer] } ?? [])
    filters = Tensor(convolution.parameters[0].shape)
    biases = Tensor(norm.parameters[0].shape)
  }

  /// Filters and biases that give, by convolution alone, what `layers` make of a convolution with these.
  func fold(filters plain: Tensor, biases plainBiases: Tensor?) -> (filters: Tensor, biases: Tensor)
  {
    let sources = [plain, plainBiases] + norm.parameters.map(\.data) + (factors?.tensors ?? [])
    let newest = sources.compactMap { $0?.revision }
    if newest != revisions {
      norm.normalize(
        filters: plain, biases: plainBiases, factors: factors, into: filters, biases)
      revisions = newest
    }
    return (filters, biases)
  }
}
