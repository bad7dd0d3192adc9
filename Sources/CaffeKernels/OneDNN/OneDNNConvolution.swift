import COneDNN

/// A convolution run by oneDNN, built once per geometry and run often.
///
/// - Input `[n, c, spatial…]`, output `[n, num_output, spatial'…]`; weights, bias and their
///   gradients plain, as the parameter store has them.
///
/// Each pass has layouts of its own; a gradient keeps those of the forward pass if oneDNN has fast
/// code for them. Runs on the same values and the same number of threads are equal bit by bit.
package final class OneDNNConvolution {
  package enum Algorithm: Hashable, Sendable {
    case direct
    /// Works on transformed tiles: fewer multiplications, larger rounding errors than `direct`.
    case winograd
    /// Winograd where it was measured to be faster and oneDNN has it, direct elsewhere.
    case automatic
  }

  package let geometry: ConvolutionGeometry
  package let forward: WeightedForward
  /// Present if `gradients` had `input`.
  package let backwardData: WeightedBackwardData?
  /// Present if `gradients` had `weights`.
  package let backwardWeights: WeightedBackwardWeights?

  /// Bytes of working memory of the passes over bottom and top.
  package var scratchByteCount: Int {
    max(forward.scratchByteCount, backwardData?.scratchByteCount ?? 0)
  }

  /// - Parameters:
  ///   - precision: of bottom, filters and the top's gradient as they are multiplied; what is passed in
  ///     and out is float32 all the same.
  ///   - fused: is done to the output; behind a ReLU the gradients take the output's gradient *before*
  ///     that ReLU.
  ///   - gradients: empty for inference.
  ///   - input: the order of the bottom; one or three channels do best in `any` or `plain`.
  ///   - output: the order of the top; channels-last if nothing else is said and the bottom is.
  /// - Throws: `EngineRefusal` if oneDNN cannot run one of the passes, or only slowly.
  package init(
    _ geometry: ConvolutionGeometry, hasBias: Bool, precision: Precision = .float32,
    fused: FusedStep = .nothing, algorithm: Algorithm = .automatic,
    gradients: WeightedGradients = [.input, .weights], input: LayoutRequest = .any,
    output: LayoutRequest? = nil, scratchpad: Scratchpad
  ) throws {
    guard (1...3).contains(geometry.input.count) else {
      throw EngineRefusal("it convolves over 1 to 3 spatial axes, not \(geometry.input.count)")
    }
    self.geometry = geometry
    let (descriptors, chosen) = try geometry.choosing(algorithm) { code in
      let descriptors = ConvolutionDescriptors(
        geometry, algorithm: code, hasBias: hasBias, precision: precision)
      let forward = try descriptors.forward(
        input: input.descriptor(descriptors.inputExtents),
        output: (output ?? input.companion).descriptor(descriptors.outputExtents),
        attributes: Attributes(fused: fused))
      return (descriptors, forward)
    }
    (forward, backwardData, backwardWeights) = try chosen.passes(
      gradients, scratchpad: scratchpad, data: descriptors.backwardData(of: chosen),
      weights: descriptors.backwardWeights(of: chosen))
  }
}
