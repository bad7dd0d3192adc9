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
  package let backwardWeights: (any WeightsGradientPass)?

  /// Whether the forward pass works on transformed tiles.
  package var isWinograd: Bool { forward.implementation.contains("wino") }

  /// Bytes of working memory of the passes over bottom and top.
  package var scratchByteCount: Int {
    max(forward.scratchByteCount, backwardData?.scratchByteCount ?? 0)
  }

  /// - Parameters:
  ///   - precision: of bottom, filters and the top's gradient as they are multiplied; they may be passed
  ///     in as float32 all the same.
  ///   - rounded: the results that come rounded, if `precision` is bfloat16.
  ///   - fused: is done to the output; behind a ReLU the gradients take the output's gradient *before*
  ///     that ReLU.
  ///   - gradients: empty for inference.
  ///   - input: the order of the bottom; one or three channels do best in `any` or `plain`.
  ///   - output: the order of the top; channels-last if nothing else is said and the bottom is.
  /// - Throws: `EngineRefusal` if oneDNN cannot run one of the passes, or only slowly.
  package init(
    _ geometry: ConvolutionGeometry, hasBias: Bool, precision: Precision = .float32,
    rounded: RoundedResults = [], fused: FusedStep = .nothing, algorithm: Algorithm = .automatic,
    gradients: WeightedGradients = [.input, .weights], input: LayoutRequest = .any,
    output: LayoutRequest? = nil, scratchpad: Scratchpad
  ) throws {
    guard (1...3).contains(geometry.input.count) else {
      throw EngineRefusal("it convolves over 1 to 3 spatial axes, not \(geometry.input.count)")
    }
    guard !geometry.overhangs else {
      throw EngineRefusal("it has no windows larger than the bottom and its padding")
    }
    self.geometry = geometry
    let rounded = precision == .bfloat16 ? rounded : []
    let (descriptors, chosen) = try geometry.choosing(algorithm) { code in
      let descriptors = ConvolutionDescriptors(
        geometry, algorithm: code, hasBias: hasBias, precision: precision,
        rounded: rounded)
      let forward = try descriptors.forward(
        input: input.descriptor(descriptors.inputExtents),
        output: (output ?? input.companion).descriptor(descriptors.outputExtents),
        attributes: Attributes(fused: fused))
      return (descriptors, forward)
    }
    if let blobs = try chosen.cellsOnTiles(of: geometry) {
      let product = try OneDNNInnerProduct(
        rows: geometry.batch * geometry.outputSize, inputs: geometry.inputChannels,
        outputs: geometry.outputChannels, hasBias: hasBias, fused: fused, gradients: gradients,
        blobs: blobs, rounded: rounded, scratchpad: scratchpad)
      (forward, backwardData, backwardWeights) = (
        product.forward, product.backwardData, product.backwardWeights
      )
      return
    }
    (forward, backwardData, backwardWeights) = try chosen.passes(
      gradients, scratchpad: scratchpad, data: descriptors.backwardData(of: chosen),
      weights: WeightedBackwardWeights(
        descriptors.backwardWeights(of: chosen), scratchpad: scratchpad))
  }
}

extension PrimitiveDescriptor {
  /// The blobs of a convolution of single cells that would multiply bfloat16 in the processor's tiles
  /// (AMX). oneDNN 2.6 fills those row by row of an image, so that a product of matrices was up to five
  /// times as fast in the gradients (1x1 windows on 7x7 cells).
  ///
  /// - Returns: `nil` for all other convolutions, and where there is nothing to multiply.
  fileprivate func cellsOnTiles(of geometry: ConvolutionGeometry) throws -> PointwiseBlobs? {
    guard implementation.contains("amx"), geometry.multiplyAdds > 0,
      let blobs = try PointwiseBlobs(geometry),
      layout(.input).descriptor.holding(.float32).isEqual(to: blobs.input.layout.descriptor)
    else { return nil }
    return blobs
  }
}
