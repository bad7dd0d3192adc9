import COneDNN

/// A fully connected layer run by oneDNN: `y = x·Wᵀ + b`.
///
/// - Input `[n, …]` in any order, output `[n, num_output]`, weights plain `[num_output, …]`.
///
/// The bottom of an inner product is often a convolution's packed top: asked for with its own
/// extents and order it is read as it is, and the weights are packed to match.
package final class OneDNNInnerProduct {
  package let forward: WeightedForward
  /// Present if `gradients` had `input`.
  package let backwardData: WeightedBackwardData?
  /// Present if `gradients` had `weights`.
  package let backwardWeights: WeightedBackwardWeights?

  /// - Parameters:
  ///   - extents: of the bottom, batch first.
  ///   - fusedReLUSlope: as for a convolution.
  ///   - gradients: empty for inference.
  /// - Throws: `EngineRefusal` if oneDNN cannot run one of the passes, or only slowly.
  package init(
    _ extents: [Int], outputs: Int, hasBias: Bool, fusedReLUSlope: Float? = nil,
    gradients: WeightedGradients = [.input, .weights], input: LayoutRequest = .any,
    scratchpad: Scratchpad
  ) throws {
    guard (2...5).contains(extents.count) else {
      throw EngineRefusal("it multiplies bottoms of 2 to 5 axes, not \(extents.count)")
    }
    let descriptors = InnerProductDescriptors(
      inputExtents: extents, outputs: outputs, hasBias: hasBias)
    let chosen = try descriptors.forward(
      input: input.descriptor(extents), training: !gradients.isEmpty,
      attributes: Attributes(fused: fusedReLUSlope.map { .relu(slope: $0) } ?? .nothing))
    forward = try WeightedForward(chosen, scratchpad: scratchpad)
    backwardData =
      gradients.contains(.input)
      ? try WeightedBackwardData(
        descriptors.backwardData(of: chosen), sharing: forward, scratchpad: scratchpad) : nil
    backwardWeights =
      gradients.contains(.weights)
      ? try WeightedBackwardWeights(
        descriptors.backwardWeights(of: chosen), scratchpad: scratchpad) : nil
  }
}

/// The three passes of an inner product in oneDNN's terms.
private struct InnerProductDescriptors {
  let inputExtents: [Int]
  let outputs: Int
  let hasBias: Bool

  private var outputExtents: [Int] { [inputExtents[0], outputs] }

  func forward(
    input: MemoryDescriptor, training: Bool, attributes: Attributes
  ) throws -> PrimitiveDescriptor {
    var operation = dnnl_inner_product_desc_t()
    var (source, weights, bias) = (input.raw, try weights().raw, try bias().raw)
    var output = try MemoryDescriptor(outputExtents, .plain).raw
    try check(
      dnnl_inner_product_forward_desc_init(
        &operation, training ? dnnl_forward_training : dnnl_forward_inference, &source, &weights,
        &bias, &output),
      "inner product")
    return try PrimitiveDescriptor("inner product", operation: operation, attributes: attributes)
  }

  func backwardData(of forward: PrimitiveDescriptor) throws -> PrimitiveDescriptor {
    try forward.inFastestLayouts(input: inputExtents, output: outputExtents) {
      input, outputGradient in
      var operation = dnnl_inner_product_desc_t()
      var (source, weights, output) = (input.raw, try weights().raw, outputGradient.raw)
      let name = "inner product's gradient to its bottom"
      try check(
        dnnl_inner_product_backward_data_desc_init(&operation, &source, &weights, &output), name)
      return try PrimitiveDescriptor(
        name, operation: operation, attributes: Attributes(), hint: forward)
    }
  }

  func backwardWeights(of forward: PrimitiveDescriptor) throws -> PrimitiveDescriptor {
    try forward.inFastestLayouts(input: inputExtents, output: outputExtents) {
      input, outputGradient in
      var operation = dnnl_inner_product_desc_t()
      var (source, output) = (input.raw, outputGradient.raw)
      var (weights, bias) = (try weights().raw, try bias().raw)
      let name = "inner product's gradient to its weights"
      try check(
        dnnl_inner_product_backward_weights_desc_init(
          &operation, &source, &weights, &bias, &output),
        name)
      return try PrimitiveDescriptor(
        name, operation: operation, attributes: Attributes(), hint: forward)
    }
  }

  private func weights() throws -> MemoryDescriptor {
    try MemoryDescriptor([outputs] + inputExtents.dropFirst(), .any)
  }

  /// An empty descriptor stands for no bias.
  private func bias() throws -> MemoryDescriptor {
    hasBias ? try MemoryDescriptor([outputs], .plain) : MemoryDescriptor(dnnl_memory_desc_t())
  }
}
