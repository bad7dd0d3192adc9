/// A fully connected layer run by oneDNN, built once for its extents and run often.
///
/// - Input `[rows, inputs]`, weights `[outputs, inputs]`, bias `[outputs]`, output `[rows, outputs]`;
///   all plain and float32.
package final class OneDNNInnerProduct {
  package let forward: WeightedForward
  /// Present if `gradients` had `input`.
  package let backwardData: WeightedBackwardData?
  /// Present if `gradients` had `weights`.
  package let backwardWeights: WeightedBackwardWeights?

  /// - Parameters:
  ///   - precision: of input, weights and the output's gradient as they are multiplied.
  ///   - gradients: empty for inference.
  /// - Throws: `EngineRefusal` if oneDNN cannot run one of the passes, or only slowly.
  package init(
    rows: Int, inputs: Int, outputs: Int, hasBias: Bool, precision: Precision,
    gradients: WeightedGradients, scratchpad: Scratchpad
  ) throws {
    let descriptors = InnerProductDescriptors(
      rows: rows, inputs: inputs, outputs: outputs, hasBias: hasBias, precision: precision)
    let chosen = try descriptors.forward()
    (forward, backwardData, backwardWeights) = try chosen.passes(
      gradients, scratchpad: scratchpad, data: descriptors.backwardData(of: chosen),
      weights: descriptors.backwardWeights(of: chosen))
  }
}
