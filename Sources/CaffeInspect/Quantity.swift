import CaffeErrors

/// How large numbers read.
package enum Quantity {
  /// `431,080`
  package static func grouped(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    let groups = stride(from: digits.count % 3 - 3, to: digits.count, by: 3)
      .map { String(digits[max(0, $0)..<$0 + 3]) }.filter { !$0.isEmpty }
    return (number < 0 ? "-" : "") + groups.joined(separator: ",")
  }

  /// `1.72 MB`, in powers of 1000.
  package static func bytes(_ number: Int) -> String {
    scaled(number, ["B", "kB", "MB", "GB", "TB"])
  }

  /// `2.29 M`, in powers of 1000; plain below.
  package static func short(_ number: Int) -> String {
    scaled(number, ["", "k", "M", "G", "T"]).trimmed()
  }

  private static func scaled(_ number: Int, _ units: [String]) -> String {
    var (value, unit) = (Double(number), 0)
    while value >= 999.5 && unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    // Three significant digits.
    let steps = value >= 99.95 ? 1.0 : value >= 9.995 ? 10.0 : 100.0
    return "\(Text.number((value * steps).rounded() / steps)) \(units[unit])"
  }

  /// `64×1×28×28`; `scalar` for a blob without axes.
  package static func shape(_ dimensions: [Int]) -> String {
    dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: "×")
  }
}
