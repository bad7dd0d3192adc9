import COpenBLAS

/// Products of row-major matrices, by OpenBLAS.
package enum Gemm {
  /// A matrix as it lies in memory: rows `stride` floats apart, read transposed or not.
  package struct Operand {
    package let values: UnsafePointer<Float>
    package let stride: Int
    package let isTransposed: Bool

    /// - Parameter stride: floats from one stored row to the next.
    package init(_ values: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
      self.values = values
      self.stride = stride
      isTransposed = transposed
    }
  }

  /// output ← alpha · a · b + beta · output
  ///
  /// - `a` is `[rows, inner]` and `b` `[inner, columns]` after their transpositions; `output` is
  ///   `[rows, columns]`, its rows `stride` floats apart (default: `columns`).
  /// - With `beta` 0 the output is written without being read. With `inner` 0 it is scaled by `beta`.
  package static func multiply(
    _ a: Operand, _ b: Operand, rows: Int, columns: Int, inner: Int, alpha: Float = 1,
    beta: Float = 0, into output: UnsafeMutablePointer<Float>, stride: Int? = nil
  ) {
    guard rows > 0, columns > 0 else { return }
    cblas_sgemm(
      CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans,
      b.isTransposed ? CblasTrans : CblasNoTrans, blasint(rows), blasint(columns), blasint(inner),
      alpha, a.values, blasint(a.stride), b.values, blasint(b.stride), beta, output,
      blasint(stride ?? columns))
  }

  /// output ← alpha · matrix · vector + beta · output, for a dense `[rows, columns]` matrix,
  /// transposed before the product if asked.
  package static func multiply(
    _ matrix: UnsafePointer<Float>, rows: Int, columns: Int, transposed: Bool = false,
    vector: UnsafePointer<Float>, alpha: Float = 1, beta: Float = 0,
    into output: UnsafeMutablePointer<Float>
  ) {
    guard rows > 0, columns > 0 else { return }
    cblas_sgemv(
      CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, blasint(rows), blasint(columns), alpha,
      matrix, blasint(columns), vector, 1, beta, output, 1)
  }
}
