import COneDNN

/// Two passes of a fully connected layer in oneDNN's terms; blobs in plain order. What is multiplied is
/// bfloat16.
struct InnerProductDescriptors {
  let rows: Int
  let inputs: Int
  let outputs: Int
  let hasBias: Bool
  let rounded: RoundedResults

  func forward(attributes: Attributes) throws -> PrimitiveDescriptor {
    var operation = dnnl_inner_product_desc_t()
    var (source, weights) = (try input(.bfloat16).raw, try weights().raw)
    var (bias, output) = (try bias().raw, try output(rounded.precision(of: .output)).raw)
    try check(
      dnnl_inner_product_forward_desc_init(
        &operation, dnnl_forward_training, &source, &weights, &bias, &output),
      "inner product")
    return try PrimitiveDescriptor(
      "inner product", operation: operation, attributes: attributes)
  }

  func backwardData(of forward: PrimitiveDescriptor) throws -> PrimitiveDescriptor {
    var operation = dnnl_inner_product_desc_t()
    var (source, weights) = (
      try input(rounded.precision(of: .inputGradient)).raw, try weights().raw
    )
    var output = try output(.bfloat16).raw
    let name = "inner product's gradient to its bottom"
    try check(
      dnnl_inner_product_backward_data_desc_init(&operation, &source, &weights, &output), name)
    return try PrimitiveDescriptor(
      name, operation: operation, attributes: Attributes(), hint: forward)
  }

  private func input(_ precision: Precision) throws -> MemoryDescriptor {
    try MemoryDescriptor([rows, inputs], .plain, precision)
  }

  private func output(_ precision: Precision) throws -> MemoryDescriptor {
    try MemoryDescriptor([rows, outputs], .plain, precision)
  }

  /// In the order that the primitive chooses.
  private func weights() throws -> MemoryDescriptor {
    try MemoryDescriptor([outputs, inputs], .any, .bfloat16)
  }

  /// An empty descriptor stands for no bias.
  private func bias() throws -> MemoryDescriptor {
    hasBias ? try MemoryDescriptor([outputs], .plain) : MemoryDescriptor(dnnl_memory_desc_t())
  }
}
