/// A fully connected layer run by oneDNN in bfloat16, built once for its extents and run often.
///
/// - Input `[rows, inputs]`, weights `[outputs, inputs]`, bias `[outputs]`, output `[rows, outputs]`;
///   all plain and float32, and rounded as they are multiplied.
package final class OneDNNInnerProduct {
  package let forward: WeightedForward
  /// Present if `gradients` had `input`.
  package let backwardData: WeightedBackwardData?
  /// Present if `gradients` had `weights`.
  package let backwardWeights: (any WeightsGradientPass)?

  /// - Parameter gradients: empty for inference.
  /// - Throws: `EngineRefusal` if oneDNN cannot run one of the passes, or only slowly.
  package convenience init(
    rows: Int, inputs: Int, outputs: Int, hasBias: Bool, gradients: WeightedGradients,
    scratchpad: Scratchpad
  ) throws {
    try self.init(
      rows: rows, inputs: inputs, outputs: outputs, hasBias: hasBias, fused: .nothing,
      gradients: gradients, blobs: nil, rounded: [], scratchpad: scratchpad)
  }

  /// - Parameters:
  ///   - blobs: what rows of input and output are to the caller; `nil` for plain matrices.
  ///   - rounded: the results that come rounded.
  init(
    rows: Int, inputs: Int, outputs: Int, hasBias: Bool, fused: FusedStep,
    gradients: WeightedGradients, blobs: PointwiseBlobs?, rounded: RoundedResults,
    scratchpad: Scratchpad
  ) throws {
    let descriptors = InnerProductDescriptors(
      rows: rows, inputs: inputs, outputs: outputs, hasBias: hasBias, rounded: rounded)
    let chosen = try descriptors.forward(attributes: Attributes(fused: fused))
    (forward, backwardData, backwardWeights) = try chosen.passes(
      gradients, blobs: blobs, scratchpad: scratchpad, data: descriptors.backwardData(of: chosen),
      weights: ProductBackwardWeights(
        rows: rows, inputs: inputs, outputs: outputs, blobs: blobs, scratchpad: scratchpad))
  }
}
