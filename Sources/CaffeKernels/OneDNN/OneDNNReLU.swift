import COneDNN

/// `max(x, 0) + slope·min(x, 0)` run by oneDNN in any layout, in place or not.
///
/// The gradient is taken from the output, so the input need not be kept; that wants `slope ≥ 0`.
package final class OneDNNReLU {
  package let layout: OneDNNMemoryLayout
  package let implementation: String
  private let forwardPass: Primitive
  private let backwardPass: Primitive
  private let scratchpad: Scratchpad
  private let scratch: Scratchpad.Region

  /// - Throws: `EngineRefusal` for a negative `slope`, or if oneDNN has only slow code.
  package init(slope: Float, layout: OneDNNMemoryLayout, scratchpad: Scratchpad) throws {
    guard slope >= 0 else {
      throw EngineRefusal("it takes the gradient from the top, which wants negative_slope ≥ 0")
    }
    let descriptors = ReLUDescriptors(slope: slope, values: layout.descriptor)
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

  /// Overwrites `inputGradient`, which may be `outputGradient`.
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

/// The two passes of a ReLU in oneDNN's terms.
private struct ReLUDescriptors {
  let slope: Float
  let values: MemoryDescriptor

  func forward() throws -> PrimitiveDescriptor {
    var operation = dnnl_eltwise_desc_t()
    var values = values.raw
    try check(
      dnnl_eltwise_forward_desc_init(
        &operation, dnnl_forward_training, dnnl_eltwise_relu_use_dst_for_bwd, &values, slope, 0),
      "ReLU")
    return try PrimitiveDescriptor("ReLU", operation: operation, attributes: Attributes())
  }

  func backward(of forward: PrimitiveDescriptor) throws -> PrimitiveDescriptor {
    var operation = dnnl_eltwise_desc_t()
    var (values, gradient) = (values.raw, values.raw)
    try check(
      dnnl_eltwise_backward_desc_init(
        &operation, dnnl_eltwise_relu_use_dst_for_bwd, &gradient, &values, slope, 0),
      "ReLU's gradient")
    return try PrimitiveDescriptor(
      "ReLU's gradient", operation: operation, attributes: Attributes(), hint: forward)
  }
}
