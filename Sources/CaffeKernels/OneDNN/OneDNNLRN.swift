import COneDNN

/// Normalisation across channels run by oneDNN: `y = x·(k + alpha / n · Σ x²)^−beta`, the sum over
/// the `n = local_size` channels around each one.
///
/// Bottom and top `[n, c, h, w]` in the same layout. oneDNN 2.6 has fast code for `beta = 0.75` only:
/// in channels-last order, and for a `local_size` of 5 also in blocks. All else is declined.
package final class OneDNNLRN {
  package struct Parameters: Hashable, Sendable {
    package var localSize: Int
    package var alpha: Float
    package var beta: Float
    package var k: Float

    package init(localSize: Int, alpha: Float, beta: Float, k: Float) {
      self.localSize = localSize
      self.alpha = alpha
      self.beta = beta
      self.k = k
    }
  }

  package let layout: OneDNNMemoryLayout
  package let implementation: String
  private let forwardPass: Primitive
  private let backwardPass: Primitive?
  private let workspace: AlignedBuffer
  private let scratchpad: Scratchpad
  private let scratch: Scratchpad.Region

  /// - Throws: `EngineRefusal` if oneDNN cannot run one of the passes, or only slowly.
  package init(
    _ parameters: Parameters, training: Bool, layout: OneDNNMemoryLayout, scratchpad: Scratchpad
  ) throws {
    let descriptors = LRNDescriptors(parameters: parameters, values: layout.descriptor)
    let forward = try descriptors.forward(training: training)
    let backward = training ? try descriptors.backward(of: forward) : nil
    self.layout = layout
    self.scratchpad = scratchpad
    implementation = forward.implementation
    forwardPass = try Primitive(forward, arguments: [.input, .output, .workspace])
    backwardPass = try backward.map {
      try Primitive($0, arguments: [.input, .outputGradient, .inputGradient, .workspace])
    }
    workspace = AlignedBuffer(byteCount: forward.byteCount(.workspace))
    scratch = scratchpad.claim(
      max(forward.byteCount(.scratchpad), backward?.byteCount(.scratchpad) ?? 0))
  }

  /// Overwrites `output`.
  package func forward(_ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer) {
    forwardPass.bind(.input, input)
    forwardPass.bind(.output, output)
    forwardPass.bind(.workspace, workspace.pointer)
    forwardPass.run(scratchpad: scratchpad.pointer(to: scratch))
  }

  /// Overwrites `inputGradient`; `input` is that of the last `forward`.
  ///
  /// - Precondition: built for training.
  package func backward(
    _ outputGradient: UnsafeRawPointer, input: UnsafeRawPointer,
    into inputGradient: UnsafeMutableRawPointer
  ) {
    guard let backwardPass else { preconditionFailure("this LRN was built for inference") }
    backwardPass.bind(.outputGradient, outputGradient)
    backwardPass.bind(.input, input)
    backwardPass.bind(.inputGradient, inputGradient)
    backwardPass.bind(.workspace, workspace.pointer)
    backwardPass.run(scratchpad: scratchpad.pointer(to: scratch))
  }
}

/// The two passes of an LRN in oneDNN's terms.
private struct LRNDescriptors {
  let parameters: OneDNNLRN.Parameters
  let values: MemoryDescriptor

  func forward(training: Bool) throws -> PrimitiveDescriptor {
    var operation = dnnl_lrn_desc_t()
    var values = values.raw
    try check(
      dnnl_lrn_forward_desc_init(
        &operation, training ? dnnl_forward_training : dnnl_forward_inference,
        dnnl_lrn_across_channels, &values, Int64(parameters.localSize), parameters.alpha,
        parameters.beta, parameters.k),
      "LRN")
    return try PrimitiveDescriptor("LRN", operation: operation, attributes: Attributes())
  }

  func backward(of forward: PrimitiveDescriptor) throws -> PrimitiveDescriptor {
    var operation = dnnl_lrn_desc_t()
    var (values, gradient) = (values.raw, values.raw)
    try check(
      dnnl_lrn_backward_desc_init(
        &operation, dnnl_lrn_across_channels, &gradient, &values, Int64(parameters.localSize),
        parameters.alpha, parameters.beta, parameters.k),
      "LRN's gradient")
    return try PrimitiveDescriptor(
      "LRN's gradient", operation: operation, attributes: Attributes(), hint: forward)
  }
}
