/// The shortest decimal text that reads back as the same number, in the form C's `%g` gives it.
enum FloatText {
  static func text(_ number: Float) -> String {
    layOut("\(number)", precisions: (6, 9))
  }

  static func text(_ number: Double) -> String {
    layOut("\(number)", precisions: (15, 17))
  }

  /// `description` is Swift's shortest form: `1e-05`, `0.1`, `100000.0`, `inf`.
  ///
  /// `%g` writes an exponent if it is below -4 or not below the precision; protobuf takes the
  /// smaller precision if that many digits suffice.
  private static func layOut(_ description: String, precisions: (few: Int, many: Int)) -> String {
    let isNegative = description.hasPrefix("-")
    let parts = description.drop { $0 == "-" }.split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard mantissa[0].allSatisfy(\.isNumber) else {
      return mantissa[0] == "nan" ? "nan" : description
    }
    let fraction = mantissa.count > 1 ? mantissa[1] : ""
    let all = mantissa[0] + fraction
    let leadingZeros = all.prefix { $0 == "0" }.count
    var digits = String(all.dropFirst(leadingZeros))
    while digits.hasSuffix("0") { digits.removeLast() }
    guard !digits.isEmpty else { return isNegative ? "-0" : "0" }
    let written = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let exponent = written + mantissa[0].count - 1 - leadingZeros
    let precision = digits.count <= precisions.few ? precisions.few : precisions.many
    let body =
      exponent < -4 || exponent >= precision
      ? scientific(digits, exponent) : plain(digits, exponent)
    return (isNegative ? "-" : "") + body
  }

  private static func scientific(_ digits: String, _ exponent: Int) -> String {
    let tail = digits.dropFirst()
    let size = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
    return digits.prefix(1) + (tail.isEmpty ? "" : "." + tail) + (exponent < 0 ? "e-" : "e+") + size
  }

  private static func plain(_ digits: String, _ exponent: Int) -> String {
    if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + digits }
    let whole = digits.prefix(exponent + 1)
    let padding = String(repeating: "0", count: exponent + 1 - whole.count)
    let fraction = digits.dropFirst(exponent + 1)
    return whole + padding + (fraction.isEmpty ? "" : "." + fraction)
  }
}
