import COneDNN

/// A softmax along one axis run by oneDNN, the largest value subtracted first.
///
/// Bottom and top have the same layout, plain included.
package final class OneDNNSoftmax {
  package let layout: OneDNNMemoryLayout
  package let implementation: String
  private let forwardPass: Primitive
  private let backwardPass: Primitive
  private let scratchpad: Scratchpad
  private let scratch: Scratchpad.Region

  /// - Throws: `EngineRefusal` if oneDNN has only slow code.
  package init(axis: Int, layout: OneDNNMemoryLayout, scratchpad: Scratchpad) throws {
    let descriptors = SoftmaxDescriptors(axis: Int32(axis), values: layout.descriptor)
    let forward = try descriptors.forward()
    let backward = try descriptors.backward(of: forward)
    self.layout = layout
    self.scratchpad = scratchpad
    implementation = forward.implementation
    forwardPass = try Primitive(forward, arguments: [.input, .output])
    backwardPass = try Primitive(backward, arguments: [.output, .outputGradient, .inputGradient])
    scratch = scratchpad.claim(
      max(forward.byteCount(.scratchpad), backward.byteCount(.scratchpad)))
  }

  /// Overwrites `output`, which may be `input`.
  package func forward(_ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer) {
    forwardPass.bind(.input, input)
    forwardPass.bind(.output, output)
    forwardPass.run(scratchpad: scratchpad.pointer(to: scratch))
  }

  /// Overwrites `inputGradient`; `output` is that of `forward`.
  package func backward(
    _ outputGradient: UnsafeRawPointer, output: UnsafeRawPointer,
    into inputGradient: UnsafeMutableRawPointer
  ) {
    backwardPass.bind(.outputGradient, outputGradient)
    backwardPass.bind(.output, output)
    backwardPass.bind(.inputGradient, inputGradient)
    backwardPass.run(scratchpad: scratchpad.pointer(to: scratch))
  }
}

/// The two passes of a softmax in oneDNN's terms.
private struct SoftmaxDescriptors {
  let axis: Int32
  let values: MemoryDescriptor

  func forward() throws -> PrimitiveDescriptor {
    var operation = dnnl_softmax_desc_t()
    var values = values.raw
    try check(
      dnnl_softmax_forward_desc_init(&operation, dnnl_forward_training, &values, axis), "softmax")
    return try PrimitiveDescriptor("softmax", operation: operation, attributes: Attributes())
  }

  func backward(of forward: PrimitiveDescriptor) throws -> PrimitiveDescriptor {
    var operation = dnnl_softmax_desc_t()
    var (values, gradient) = (values.raw, values.raw)
    try check(
      dnnl_softmax_backward_desc_init(&operation, &gradient, &values, axis), "softmax's gradient")
    return try PrimitiveDescriptor(
      "softmax's gradient", operation: operation, attributes: Attributes(), hint: forward)
  }
}
