import CaffeKernelsC

/// The gradients with respect to the weights and the bias as a product of bfloat16 matrices, which goes to
/// its plain place at once.
///
/// oneDNN's own pass writes blocks that have to be put in order: for VGG-16's fc6 that took longer than
/// the pass.
final class ProductBackwardWeights: WeightsGradientPass {
  private let product: OneDNNMatrixProduct
  private let input: OperandReader
  private let outputGradient: OperandReader
  private let rows: Int
  private let outputs: Int

  /// - Parameters:
  ///   - blobs: how the caller has input `[rows, inputs]` and output gradient `[rows, outputs]`; `nil` for
  ///     plain.
  /// - Throws: `EngineRefusal` if oneDNN has no code of its own for the product.
  init(
    rows: Int, inputs: Int, outputs: Int, blobs: PointwiseBlobs? = nil, scratchpad: Scratchpad
  ) throws {
    let memories = try [inputs, outputs].map {
      try MemoryDescriptor([rows, $0], .plain, .bfloat16)
    }
    product = try OneDNNMatrixProduct(
      .columnMajor, .rowMajor, rows: outputs, columns: inputs, inner: rows, adds: true,
      precision: .bfloat16, regions: memories.map(\.byteCount), scratchpad: scratchpad)
    input = OperandReader(
      memories[0], from: blobs?.input, region: product.regions[0], of: scratchpad)
    outputGradient = OperandReader(
      memories[1], from: blobs?.output, region: product.regions[1], of: scratchpad)
    self.rows = rows
    self.outputs = outputs
  }

  var inputLayout: OneDNNMemoryLayout { input.layout }
  var outputGradientLayout: OneDNNMemoryLayout { outputGradient.layout }
  var implementation: String { product.implementation }
  var takesRounded: Bool { outputGradient.takesRounded }

  func run(
    _ inputValues: Operand, outputGradient values: Operand, into weightsGradient: GradientSum?,
    biasGradient: GradientSum?
  ) {
    guard let gradient = outputGradient.read(values) else { return }
    if let weightsGradient, let input = input.read(inputValues) {
      product.add(gradient, input, to: weightsGradient)
    }
    if let biasGradient {
      if biasGradient.isZero { Vector.fill(biasGradient.values, with: 0, count: outputs) }
      ck_add_bfloat16_rows(
        gradient.assumingMemoryBound(to: UInt16.self), rows, outputs, biasGradient.values)
    }
  }
}
