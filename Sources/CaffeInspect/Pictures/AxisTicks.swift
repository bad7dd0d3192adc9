import CaffeErrors
import Glibc

/// The numbers along an axis: round ones, evenly spaced, that reach over all values.
package struct AxisTicks: Equatable {
  package let values: [Double]
  package let isLogarithmic: Bool

  /// About `wanted` steps of 1, 2 or 5 times a power of ten from `low` to `high`.
  package init(_ low: Double, _ high: Double, wanted: Int) {
    let span = high > low ? high - low : max(abs(high), 1)
    let rough = span / Double(wanted)
    let power = pow(10, floor(log10(rough)))
    let step = power * ([1, 2, 5].first { $0 * power >= rough } ?? 10)
    let first = floor(low / step)
    let last = max(ceil(high / step), first + 1)
    values = stride(from: first, through: last, by: 1).map { $0 * step }
    isLogarithmic = false
  }

  /// The powers of ten from below `low` to above `high`, both positive.
  package init(powersFrom low: Double, to high: Double) {
    precondition(low > 0 && high >= low, "\(low)...\(high)")
    let first = floor(log10(low))
    let last = max(ceil(log10(high)), first + 1)
    values = stride(from: first, through: last, by: 1).map { pow(10, $0) }
    isLogarithmic = true
  }

  /// Where on the axis a value is: 0 at the first tick, 1 at the last.
  package func position(of value: Double) -> Double {
    let (low, high) = (values[0], values[values.count - 1])
    return isLogarithmic
      ? (log10(value) - log10(low)) / (log10(high) - log10(low)) : (value - low) / (high - low)
  }

  package func label(_ value: Double) -> String { Text.number((value * 1e9).rounded() / 1e9) }
}
