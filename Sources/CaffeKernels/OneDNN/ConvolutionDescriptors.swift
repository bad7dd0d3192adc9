import COneDNN

/// The three passes of a convolution in oneDNN's terms.
struct ConvolutionDescriptors {
  let geometry: ConvolutionGeometry
  let algorithm: dnnl_alg_kind_t
  let hasBias: Bool
  /// Of what is multiplied: bottom, filters, the top's gradient.
  let precision: Precision
  let rounded: RoundedResults

  private let strides: [Int64]
  private let dilation: [Int64]
  private let pad: [Int64]

  init(
    _ geometry: ConvolutionGeometry, algorithm: dnnl_alg_kind_t, hasBias: Bool,
    precision: Precision, rounded: RoundedResults = []
  ) {
    self.hasBias = hasBias
    self.precision = precision
    self.rounded = rounded
    self.geometry = geometry
    self.algorithm = algorithm
    strides = geometry.stride.map(Int64.init)
    dilation = geometry.dilation.map { Int64($0 - 1) }  // oneDNN counts the gaps
    pad = geometry.pad.map(Int64.init)
  }

  var inputExtents: [Int] { [geometry.batch, geometry.inputChannels] + geometry.input }
  var outputExtents: [Int] { [geometry.batch, geometry.outputChannels] + geometry.output }

  /// Groups are an axis of their own; the values lie as in Caffe's `[out, in / groups, kernel…]`.
  var weightsExtents: [Int] {
    let (groups, input, output) =
      (geometry.groups, geometry.inputChannels, geometry.outputChannels)
    return groups == 1
      ? [output, input] + geometry.kernel
      : [groups, output / groups, input / groups] + geometry.kernel
  }

  /// Said to be for training even where it is not: the fast Winograd code is for that alone, and twice
  /// as fast as the direct code that oneDNN takes for inference.
  ///
  /// - Parameters: an order, or any; the primitive chooses that of the weights.
  func forward(
    input: MemoryDescriptor, output: MemoryDescriptor, attributes: Attributes
  ) throws -> PrimitiveDescriptor {
    var operation = dnnl_convolution_desc_t()
    var (source, bias) = (input.holding(precision).raw, try bias().raw)
    var (weights, output) = (
      try weights(precision).raw, output.holding(rounded.precision(of: .output)).raw
    )
    try check(
      dnnl_dilated_convolution_forward_desc_init(
        &operation, dnnl_forward_training, algorithm, &source, &weights, &bias, &output, strides,
        dilation, pad, pad),
      "convolution")
    return try PrimitiveDescriptor("convolution", operation: operation, attributes: attributes)
  }

  /// The gradient to the bottom, in the layouts of the forward pass if they are fast.
  func backwardData(of forward: PrimitiveDescriptor) throws -> PrimitiveDescriptor {
    try forward.inFastestLayouts(input: inputExtents, output: outputExtents) {
      input, outputGradient in
      var operation = dnnl_convolution_desc_t()
      var source = input.holding(rounded.precision(of: .inputGradient)).raw
      var output = outputGradient.holding(precision).raw
      var weights = try weights(precision).raw
      let name = "convolution's gradient to its bottom"
      try check(
        dnnl_dilated_convolution_backward_data_desc_init(
          &operation, algorithm, &source, &weights, &output, strides, dilation, pad, pad), name)
      return try PrimitiveDescriptor(
        name, operation: operation, attributes: Attributes(), hint: forward)
    }
  }

  /// The gradient to weights and bias, in the layouts of the forward pass if they are fast.
  func backwardWeights(of forward: PrimitiveDescriptor) throws -> PrimitiveDescriptor {
    try forward.inFastestLayouts(input: inputExtents, output: outputExtents) {
      input, outputGradient in
      var operation = dnnl_convolution_desc_t()
      var (source, output) = (input.holding(precision).raw, outputGradient.holding(precision).raw)
      var (weights, bias) = (try weights(.float32).raw, try bias().raw)
      let name = "convolution's gradient to its weights"
      try check(
        dnnl_dilated_convolution_backward_weights_desc_init(
          &operation, algorithm, &source, &weights, &bias, &output, strides, dilation, pad, pad),
        name)
      return try PrimitiveDescriptor(
        name, operation: operation, attributes: Attributes(), hint: forward)
    }
  }

  private func weights(_ precision: Precision) throws -> MemoryDescriptor {
    try MemoryDescriptor(weightsExtents, .any, precision)
  }

  /// An empty descriptor stands for no bias.
  private func bias() throws -> MemoryDescriptor {
    hasBias
      ? try MemoryDescriptor([geometry.outputChannels], .plain)
      : MemoryDescriptor(dnnl_memory_desc_t())
  }
}
