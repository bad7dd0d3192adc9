import COneDNN

/// Batch normalisation run by oneDNN, with Caffe's Scale and ReLU behind it if wanted:
/// `y = (x − mean) / √(variance + eps)`, then `scale·y + shift`, then `max(y, 0)`.
///
/// Bottom and top `[n, c, spatial…]` in the same layout; per-channel values plain. The variance is
/// the biased one (divided by the count); what the running averages make of it is the caller's.
package final class OneDNNBatchNorm {
  package struct Options: Hashable, Sendable {
    package var epsilon: Float
    /// Multiplies by a scale and adds a shift per channel.
    package var affine = false
    /// Negative slope 0 only.
    package var fusedReLU = false
    /// Mean and variance are given (`use_global_stats`), not those of the batch.
    package var givenStatistics = false
    package var training = true

    package init(epsilon: Float) {
      self.epsilon = epsilon
    }
  }

  /// Per-channel values an affine normalisation reads.
  package struct Affine {
    package var scale: UnsafePointer<Float>
    package var shift: UnsafePointer<Float>

    package init(scale: UnsafePointer<Float>, shift: UnsafePointer<Float>) {
      self.scale = scale
      self.shift = shift
    }
  }

  package let layout: OneDNNMemoryLayout
  package let implementation: String
  private let forwardPass: Primitive
  private let backwardPass: Primitive?
  private let scaleGradient: GradientAccumulator?
  private let shiftGradient: GradientAccumulator?
  private let workspace: AlignedBuffer
  private let scratchpad: Scratchpad
  private let scratch: Scratchpad.Region

  /// - Throws: `EngineRefusal` if oneDNN cannot run one of the passes, or only slowly.
  package init(
    _ options: Options, layout: OneDNNMemoryLayout, scratchpad: Scratchpad
  ) throws {
    let descriptors = BatchNormDescriptors(options: options, values: layout.descriptor)
    let forward = try descriptors.forward()
    let backward = options.training ? try descriptors.backward(of: forward) : nil
    self.layout = layout
    self.scratchpad = scratchpad
    implementation = forward.implementation
    forwardPass = try Primitive(
      forward, arguments: [.input, .output, .mean, .variance, .scale, .shift, .workspace])
    backwardPass = try backward.map {
      try Primitive(
        $0,
        arguments: [
          .input, .outputGradient, .inputGradient, .mean, .variance, .scale, .shift, .scaleGradient,
          .shiftGradient, .workspace,
        ])
    }
    workspace = AlignedBuffer(byteCount: forward.byteCount(.workspace))
    let regions = scratchpad.claim([
      max(forward.byteCount(.scratchpad), backward?.byteCount(.scratchpad) ?? 0),
      backward?.byteCount(.scaleGradient) ?? 0, backward?.byteCount(.shiftGradient) ?? 0,
    ])
    scratch = regions[0]
    scaleGradient = try backward?.memory(.scaleGradient).map {
      try GradientAccumulator(layout: OneDNNMemoryLayout($0), region: regions[1], of: scratchpad)
    }
    shiftGradient = try backward?.memory(.shiftGradient).map {
      try GradientAccumulator(layout: OneDNNMemoryLayout($0), region: regions[2], of: scratchpad)
    }
  }

  /// Overwrites `output`, which may be `input` unless `backward` will be called.
  ///
  /// - Parameters:
  ///   - mean, variance: one value per channel; written, or read if the statistics are given.
  ///   - affine: present if and only if the options say so.
  package func forward(
    _ input: UnsafeRawPointer, mean: UnsafeMutablePointer<Float>,
    variance: UnsafeMutablePointer<Float>, affine: Affine? = nil,
    into output: UnsafeMutableRawPointer
  ) {
    forwardPass.bind(.input, input)
    forwardPass.bind(.mean, mean)
    forwardPass.bind(.variance, variance)
    forwardPass.bind(.scale, affine?.scale)
    forwardPass.bind(.shift, affine?.shift)
    forwardPass.bind(.output, output)
    forwardPass.bind(.workspace, workspace.pointer)
    forwardPass.run(scratchpad: scratchpad.pointer(to: scratch))
  }

  /// Overwrites `inputGradient`, which may be `outputGradient`, and adds to those of scale and
  /// shift; nil drops them. The other values are those of the last `forward`.
  ///
  /// - Precondition: built for training.
  package func backward(
    _ outputGradient: UnsafeRawPointer, input: UnsafeRawPointer, mean: UnsafePointer<Float>,
    variance: UnsafePointer<Float>, scale: UnsafePointer<Float>? = nil,
    into inputGradient: UnsafeMutableRawPointer,
    scaleGradient: UnsafeMutablePointer<Float>? = nil,
    shiftGradient: UnsafeMutablePointer<Float>? = nil
  ) {
    guard let pass = backwardPass else {
      preconditionFailure("this batch normalisation was built for inference")
    }
    pass.bind(.outputGradient, outputGradient)
    pass.bind(.input, input)
    pass.bind(.mean, mean)
    pass.bind(.variance, variance)
    pass.bind(.scale, scale)
    pass.bind(.shift, scale)  // oneDNN 2.6 wants one, though no gradient depends on its values
    pass.bind(.inputGradient, inputGradient)
    pass.bind(.workspace, workspace.pointer)
    let (scaleTarget, shiftTarget) = (self.scaleGradient, self.shiftGradient)
    pass.bind(.scaleGradient, scaleTarget?.target(for: scaleGradient, overwriting: false))
    pass.bind(.shiftGradient, shiftTarget?.target(for: shiftGradient, overwriting: false))
    pass.run(scratchpad: scratchpad.pointer(to: scratch))
    scaleTarget?.finish(scaleGradient, overwriting: false)
    shiftTarget?.finish(shiftGradient, overwriting: false)
  }
}

/// The two passes of a batch normalisation in oneDNN's terms.
private struct BatchNormDescriptors {
  let options: OneDNNBatchNorm.Options
  let values: MemoryDescriptor

  private var flags: UInt32 {
    var flags: UInt32 = 0
    if options.givenStatistics { flags |= dnnl_use_global_stats.rawValue }
    if options.affine { flags |= dnnl_use_scale.rawValue | dnnl_use_shift.rawValue }
    if options.fusedReLU { flags |= dnnl_fuse_norm_relu.rawValue }
    return flags
  }

  /// Statistics of the batch are an output of oneDNN's training pass only.
  func forward() throws -> PrimitiveDescriptor {
    var operation = dnnl_batch_normalization_desc_t()
    var values = values.raw
    let training = options.training || !options.givenStatistics
    try check(
      dnnl_batch_normalization_forward_desc_init(
        &operation, training ? dnnl_forward_training : dnnl_forward_inference, &values,
        options.epsilon, flags),
      "batch normalisation")
    return try PrimitiveDescriptor(
      "batch normalisation", operation: operation, attributes: Attributes())
  }

  func backward(of forward: PrimitiveDescriptor) throws -> PrimitiveDescriptor {
    var operation = dnnl_batch_normalization_desc_t()
    var (values, gradient) = (values.raw, values.raw)
    let name = "batch normalisation's gradient"
    try check(
      dnnl_batch_normalization_backward_desc_init(
        &operation, options.affine ? dnnl_backward : dnnl_backward_data, &gradient, &values,
        options.epsilon, flags),
      name)
    return try PrimitiveDescriptor(
      name, operation: operation, attributes: Attributes(), hint: forward)
  }
}
