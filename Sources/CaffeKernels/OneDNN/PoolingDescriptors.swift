import COneDNN

/// The two passes of a pooling in oneDNN's terms.
struct PoolingDescriptors {
  private let geometry: PoolingGeometry
  private let algorithm: dnnl_alg_kind_t
  private let strides: [Int64]
  private let kernel: [Int64]
  private let leadingPad: [Int64]
  private let trailingPad: [Int64]
  private let dilation: [Int64]

  init(_ geometry: PoolingGeometry, method: OneDNNPooling.Method) throws {
    guard (1...3).contains(geometry.input.count) else {
      throw EngineRefusal("it pools over 1 to 3 spatial axes, not \(geometry.input.count)")
    }
    let lastStart = geometry.input.indices.map {
      (geometry.output[$0] - 1) * geometry.stride[$0] - geometry.pad[$0]
    }
    self.geometry = geometry
    algorithm = method == .maximum ? dnnl_pooling_max : dnnl_pooling_avg_include_padding
    strides = geometry.stride.map(Int64.init)
    kernel = geometry.kernel.map(Int64.init)
    leadingPad = geometry.pad.map(Int64.init)
    trailingPad = geometry.input.indices.map {
      Int64(max(lastStart[$0] + geometry.kernel[$0] - geometry.input[$0], 0))
    }
    dilation = geometry.input.map { _ in 0 }  // oneDNN counts the gaps
  }

  func forward(input: MemoryDescriptor, training: Bool) throws -> PrimitiveDescriptor {
    var operation = dnnl_pooling_v2_desc_t()
    var source = input.raw
    var output = try MemoryDescriptor(
      [geometry.batch, geometry.channels] + geometry.output, .any
    ).raw
    try check(
      dnnl_pooling_v2_forward_desc_init(
        &operation, training ? dnnl_forward_training : dnnl_forward_inference, algorithm,
        &source, &output, strides, kernel, dilation, leadingPad, trailingPad),
      "pooling")
    return try PrimitiveDescriptor("pooling", operation: operation, attributes: Attributes())
  }

  /// In the layouts of the forward pass, whose workspace it reads.
  func backward(of forward: PrimitiveDescriptor) throws -> PrimitiveDescriptor {
    guard let input = forward.memory(.input), let outputGradient = forward.memory(.output) else {
      preconditionFailure("a pooling has an input and an output")
    }
    var operation = dnnl_pooling_v2_desc_t()
    var (source, output) = (input.raw, outputGradient.raw)
    let name = "pooling's gradient"
    try check(
      dnnl_pooling_v2_backward_desc_init(
        &operation, algorithm, &source, &output, strides, kernel, dilation, leadingPad,
        trailingPad),
      name)
    return try PrimitiveDescriptor(
      name, operation: operation, attributes: Attributes(), hint: forward)
  }
}
