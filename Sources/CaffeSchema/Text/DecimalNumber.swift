/// Decimal text to the nearest `Double`, whatever the locale of the process.
enum DecimalNumber {
  private static let powers: [Double] = (0...22).map { exponent in
    (0..<exponent).reduce(1) { power, _ in power * 10 }
  }

  /// The value of digits with an optional point, exponent and trailing `f`, as the lexer passes them.
  ///
  /// Up to 15 digits scaled by at most 10^22 are exact in two operands, so one operation rounds once
  /// and gives the nearest value. Anything longer goes through the standard library.
  static func parse(_ text: ArraySlice<UInt8>) -> Double {
    var digits: UInt64 = 0
    var count = 0
    var scale = 0
    var hasPoint = false
    var rest = text.startIndex
    while rest < text.endIndex {
      let byte = text[rest]
      if byte.isDigit {
        if count > 0 || byte != Ascii.zero { count += 1 }
        if count > 15 { return slow(text) }
        digits = digits &* 10 &+ UInt64(byte &- Ascii.zero)
        if hasPoint { scale -= 1 }
      } else if byte == Ascii.point {
        hasPoint = true
      } else {
        break
      }
      rest += 1
    }
    if rest < text.endIndex && text[rest] | 0x20 == Ascii.e {
      guard let exponent = exponent(text[(rest + 1)...]) else { return slow(text) }
      scale += exponent
    }
    guard abs(scale) < powers.count else { return slow(text) }
    return scale < 0 ? Double(digits) / powers[-scale] : Double(digits) * powers[scale]
  }

  /// The digits after `e`, up to three; nil if there are more.
  private static func exponent(_ text: ArraySlice<UInt8>) -> Int? {
    var value = 0
    var count = 0
    for byte in text where byte.isDigit {
      count += 1
      if count > 3 { return nil }
      value = value * 10 + Int(byte - Ascii.zero)
    }
    return text.first == Ascii.minus ? -value : value
  }

  private static func slow(_ text: ArraySlice<UInt8>) -> Double {
    let number = text.last.map { $0 | 0x20 == Ascii.f } == true ? text.dropLast() : text
    guard let value = Double(Substring(decoding: number, as: UTF8.self)) else {
      preconditionFailure("not a decimal number: \(String(decoding: text, as: UTF8.self))")
    }
    return value
  }
}
