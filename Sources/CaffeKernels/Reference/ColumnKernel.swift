import CaffeKernelsC

/// The same columns of all rows of a matrix `[rows, width]`.
package struct MatrixColumns: Sendable {
  let raw: ck_columns

  /// - Parameter range: `nil` for all columns.
  package init(_ range: Range<Int>? = nil, rows: Int, width: Int) {
    let range = range ?? 0..<width
    raw = ck_columns(rows: rows, stride: width, first: range.lowerBound, count: range.count)
  }
}

/// Operations on some columns of matrices; an output may be an input.
package enum ColumnKernel {
  /// output[row] ← factor · factors[row] · input[row]
  package static func scale(
    _ input: UnsafePointer<Float>, by factors: UnsafePointer<Float>, factor: Float = 1,
    _ columns: MatrixColumns, into output: UnsafeMutablePointer<Float>
  ) {
    map(CK_AFFINE, input, nil, factors, factor, columns, output)
  }

  /// output ← a + b
  package static func add(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ columns: MatrixColumns,
    into output: UnsafeMutablePointer<Float>
  ) {
    map(CK_ADD, a, b, nil, 0, columns, output)
  }

  /// output ← tanh input
  package static func tanh(
    _ input: UnsafePointer<Float>, _ columns: MatrixColumns,
    into output: UnsafeMutablePointer<Float>
  ) {
    map(CK_TANH, input, nil, nil, 0, columns, output)
  }

  package static func tanhBackward(
    _ gradient: UnsafePointer<Float>, output: UnsafePointer<Float>, _ columns: MatrixColumns,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    map(CK_TANH_BACKWARD, gradient, output, nil, 0, columns, inputGradient)
  }

  static func map(
    _ operation: ck_map_operation, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>?,
    _ factors: UnsafePointer<Float>?, _ factor: Float, _ columns: MatrixColumns,
    _ output: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: columns.raw) {
      ck_map_rows(operation, a, b, factors, factor, $0, output)
    }
  }
}
