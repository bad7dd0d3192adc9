import COneDNN

/// A product of plain matrices by oneDNN, built once for its extents and run often:
/// output ← a · b + bias, or output ← output + a · b.
///
/// `a` is `[rows, inner]`, `b` `[inner, columns]`, `bias` `[columns]`, `output` `[rows, columns]`; bias
/// and output are float32, `a` and `b` of the precision that is asked for.
package final class OneDNNMatrixProduct {
  /// A matrix that lies as it is meant, or turned round.
  package enum Order {
    case rowMajor, columnMajor

    fileprivate var order: MemoryDescriptor.Order { self == .rowMajor ? .plain : .transposed }
  }

  private let overwriting: Primitive
  private let adding: Primitive?
  private let scratchpad: Scratchpad
  private let scratch: Scratchpad.Region
  /// Memory for the caller's use during a run.
  let regions: [Scratchpad.Region]

  /// - Parameters:
  ///   - adds: whether `add` is to be called.
  ///   - precision: of `a` and `b`.
  ///   - regions: bytes of those that the caller uses during a run.
  /// - Throws: `EngineRefusal` if oneDNN has no code of its own for these extents.
  package init(
    _ a: Order, _ b: Order, rows: Int, columns: Int, inner: Int, hasBias: Bool = false,
    adds: Bool = false, precision: Precision = .float32, regions: [Int] = [],
    scratchpad: Scratchpad
  ) throws {
    guard rows > 0, columns > 0, inner > 0 else {
      throw EngineRefusal("there is nothing to multiply")
    }
    func primitive(_ fused: FusedStep) throws -> Primitive {
      var operation = dnnl_matmul_desc_t()
      var a = try MemoryDescriptor([rows, inner], a.order, precision).raw
      var b = try MemoryDescriptor([inner, columns], b.order, precision).raw
      var bias =
        hasBias ? try MemoryDescriptor([1, columns], .plain).raw : dnnl_memory_desc_t()
      var output = try MemoryDescriptor([rows, columns], .plain).raw
      try check(dnnl_matmul_desc_init(&operation, &a, &b, &bias, &output), "matrix product")
      let chosen = try PrimitiveDescriptor(
        "matrix product", operation: operation, attributes: Attributes(fused: fused))
      guard chosen.implementation.hasPrefix("brg") else {
        throw EngineRefusal("its products of matrices are no faster than OpenBLAS's here")
      }
      return try Primitive(chosen, arguments: [.input, .weights, .bias, .output])
    }
    overwriting = try primitive(.nothing)
    adding = adds ? try primitive(.sum) : nil
    self.scratchpad = scratchpad
    let scratchByteCount =
      [overwriting, adding].compactMap { $0?.descriptor.byteCount(.scratchpad) }.max() ?? 0
    let claimed = scratchpad.claim([scratchByteCount] + regions)
    scratch = claimed[0]
    self.regions = Array(claimed.dropFirst())
  }

  /// oneDNN's name of the code.
  package var implementation: String { overwriting.descriptor.implementation }

  /// Overwrites `output`.
  ///
  /// - Parameter bias: ignored if the product has none.
  package func run(
    _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, bias: UnsafePointer<Float>? = nil,
    into output: UnsafeMutablePointer<Float>
  ) {
    run(overwriting, a, b, bias, output)
  }

  /// Adds to `sum`.
  ///
  /// - Precondition: the product was built to add.
  package func add(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, to sum: GradientSum) {
    guard let adding else { preconditionFailure("\(implementation) was not built to add") }
    run(sum.isZero ? overwriting : adding, a, b, nil, sum.values)
  }

  private func run(
    _ primitive: Primitive, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    _ bias: UnsafePointer<Float>?, _ output: UnsafeMutablePointer<Float>
  ) {
    primitive.bind(.input, a)
    primitive.bind(.weights, b)
    primitive.bind(.bias, bias)
    primitive.bind(.output, output)
    primitive.run(scratchpad: scratchpad.pointer(to: scratch))
  }
}
