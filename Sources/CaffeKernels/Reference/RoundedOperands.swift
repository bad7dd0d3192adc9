/// The two operands of a product as a precision wants them. Not for use from two threads at once.
package final class RoundedOperands {
  package typealias Operand = (values: UnsafePointer<Float>, count: Int)

  private let precision: Precision
  private var first = Workspace()
  private var second = Workspace()

  package init(_ precision: Precision) { self.precision = precision }

  /// The operands themselves or, for bfloat16, rounded copies that are good until the next call.
  package func round(
    _ a: Operand, _ b: Operand
  ) -> (UnsafePointer<Float>, UnsafePointer<Float>) {
    guard precision == .bfloat16 else { return (a.values, b.values) }
    let second = second.reserve(b.count)
    Vector.roundToBFloat16(b.values, count: b.count, into: second)
    return (round(a.values, a.count), UnsafePointer(second))
  }

  /// The same of one operand.
  package func round(_ values: UnsafePointer<Float>, _ count: Int) -> UnsafePointer<Float> {
    guard precision == .bfloat16 else { return values }
    let rounded = first.reserve(count)
    Vector.roundToBFloat16(values, count: count, into: rounded)
    return UnsafePointer(rounded)
  }
}
