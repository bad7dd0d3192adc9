import CaffeKernelsC

/// Arithmetic on whole buffers. Every operand holds `count` values; an output may be one of the
/// inputs, or else does not overlap them.
package enum Vector {
  /// output ← value
  package static func fill(_ output: UnsafeMutablePointer<Float>, with value: Float, count: Int) {
    ck_map(CK_FILL, nil, nil, nil, value, 0, 0, 0, count, output)
  }

  /// output ← input; the buffers do not overlap.
  package static func copy(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ck_copy(input, count, output)
  }

  /// output ← input, rounded to bfloat16: to nearest, ties to even.
  package static func roundToBFloat16(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_BFLOAT16, input, nil, nil, 0, 0, 0, 0, count, output)
  }

  /// output ← factor · input + offset
  package static func scale(
    _ input: UnsafePointer<Float>, by factor: Float, plus offset: Float = 0, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_AFFINE, input, nil, nil, factor, offset, 0, 0, count, output)
  }

  /// output ← output + factor · input
  package static func addScaled(
    _ input: UnsafePointer<Float>, by factor: Float, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_AXPBY, input, output, nil, factor, 1, 0, 0, count, output)
  }

  /// output ← factor · a + otherFactor · b (`axpby`)
  package static func combine(
    _ factor: Float, _ a: UnsafePointer<Float>, _ otherFactor: Float, _ b: UnsafePointer<Float>,
    count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_AXPBY, a, b, nil, factor, otherFactor, 0, 0, count, output)
  }

  /// output ← a + b
  package static func add(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_ADD, a, b, nil, 0, 0, 0, 0, count, output)
  }

  /// output ← a − b
  package static func subtract(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_SUBTRACT, a, b, nil, 0, 0, 0, 0, count, output)
  }

  /// output ← factor · a · b
  package static func multiply(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, factor: Float = 1, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_MULTIPLY, a, b, nil, factor, 0, 0, 0, count, output)
  }

  /// output ← output + factor · a · b
  package static func addProduct(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, factor: Float = 1, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_MULTIPLY_ADD, a, b, output, factor, 0, 0, 0, count, output)
  }

  /// output ← factor · a / b
  package static func divide(
    _ a: UnsafePointer<Float>, by b: UnsafePointer<Float>, factor: Float = 1, count: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_DIVIDE, a, b, nil, factor, 0, 0, 0, count, output)
  }

  /// output ← √input
  package static func squareRoot(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ck_map(CK_SQUARE_ROOT, input, nil, nil, 0, 0, 0, 0, count, output)
  }

  /// Σ input, accumulated in double in a fixed order for a thread count, as all sums here.
  package static func sum(_ input: UnsafePointer<Float>, count: Int) -> Double {
    ck_reduce(CK_SUM, input, nil, 0, count)
  }

  /// Σ |input|
  package static func absoluteSum(_ input: UnsafePointer<Float>, count: Int) -> Double {
    ck_reduce(CK_ASUM, input, nil, 0, count)
  }

  /// Σ |input| / count: what `debug_info` prints for a blob; 0 for an empty one.
  package static func meanMagnitude(_ input: UnsafePointer<Float>, count: Int) -> Double {
    count > 0 ? absoluteSum(input, count: count) / Double(count) : 0
  }

  /// Σ input²
  package static func squaredSum(_ input: UnsafePointer<Float>, count: Int) -> Double {
    ck_reduce(CK_SUMSQ, input, nil, 0, count)
  }

  /// Σ a · b
  package static func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int
  ) -> Double {
    ck_reduce(CK_DOT, a, b, 0, count)
  }

  /// Σ (a − b)²
  package static func squaredDistance(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int
  ) -> Double {
    ck_reduce(CK_SQUARED_DISTANCE, a, b, 0, count)
  }

  /// The largest value, NaNs passed over; −infinity when there is none.
  package static func maximum(_ input: UnsafePointer<Float>, count: Int) -> Float {
    ck_maximum(input, count)
  }

  /// Whether no value is infinite or NaN.
  package static func isFinite(_ input: UnsafePointer<Float>, count: Int) -> Bool {
    ck_reduce(CK_NONFINITE, input, nil, 0, count) == 0
  }
}
