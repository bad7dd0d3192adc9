import CaffeKernelsC

/// Reduces each row of `[rows, extent]` to one value, times a coefficient.
package enum ReductionKernel {
  package enum Operation: Hashable, Sendable { case sum, absoluteSum, squaredSum, mean }

  /// output[row] ← coefficient · the row's sum, sum of magnitudes, sum of squares or mean.
  package static func forward(
    _ operation: Operation, _ input: UnsafePointer<Float>, rows: Int, extent: Int,
    coefficient: Float, into output: UnsafeMutablePointer<Float>
  ) {
    let code =
      switch operation {
      case .sum, .mean: CK_SUM
      case .absoluteSum: CK_ASUM
      case .squaredSum: CK_SUMSQ
      }
    let factor = operation == .mean ? coefficient / Float(extent) : coefficient
    ck_reduce_rows(code, input, nil, rows, extent, factor, output)
  }

  /// inputGradient ← the row's gradient · coefficient · the derivative: 1, sign x, 2x or 1 / extent.
  package static func backward(
    _ operation: Operation, _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>,
    rows: Int, extent: Int, coefficient: Float, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    let (code, factor) =
      switch operation {
      case .sum: (CK_FILL, coefficient)
      case .mean: (CK_FILL, coefficient / Float(extent))
      case .absoluteSum: (CK_SIGN, coefficient)
      case .squaredSum: (CK_AFFINE, 2 * coefficient)
      }
    ColumnKernel.map(
      code, input, nil, gradient, factor, MatrixColumns(rows: rows, width: extent), inputGradient)
  }
}
