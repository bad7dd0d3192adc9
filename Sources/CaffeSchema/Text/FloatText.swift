/// The shortest decimal text that reads back as the same number, laid out as C's `%g` would.
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
    guard let number = Parts(description) else {
      return description.hasSuffix("nan") ? "nan" : description
    }
    var text: [UInt8] = number.isNegative ? [Ascii.minus] : []
    let precision = number.digits.count <= precisions.few ? precisions.few : precisions.many
    if number.digits.isEmpty {
      text.append(Ascii.zero)
    } else if number.exponent < -4 || number.exponent >= precision {
      number.appendScientific(to: &text)
    } else {
      number.appendPlain(to: &text)
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// A number as `d.ddd × 10^exponent`.
  private struct Parts {
    let isNegative: Bool
    /// Without zeros before or after; empty for 0.
    private(set) var digits: [UInt8] = []
    private(set) var exponent = 0

    /// Nil for infinities and NaN.
    init?(_ description: String) {
      isNegative = description.utf8.first == Ascii.minus
      var whole: Int?  // how many digits are before the point
      var seen = 0
      var rest = description.utf8.dropFirst(isNegative ? 1 : 0)
      while let byte = rest.first, byte | 0x20 != Ascii.e {
        rest = rest.dropFirst()
        if byte == Ascii.point {
          whole = seen
        } else if byte.isDigit {
          if digits.isEmpty && byte == Ascii.zero {
            exponent -= 1
          } else {
            digits.append(byte)
          }
          seen += 1
        } else {
          return nil
        }
      }
      exponent +=
        (whole ?? seen) - 1 + (Int(String(decoding: rest.dropFirst(), as: UTF8.self)) ?? 0)
      while digits.last == Ascii.zero { digits.removeLast() }
    }

    func appendScientific(to text: inout [UInt8]) {
      text.append(digits[0])
      if digits.count > 1 {
        text.append(Ascii.point)
        text += digits.dropFirst()
      }
      text += (exponent < 0 ? "e-" : "e+").utf8
      if exponent.magnitude < 10 { text.append(Ascii.zero) }
      text += "\(exponent.magnitude)".utf8
    }

    func appendPlain(to text: inout [UInt8]) {
      if exponent < 0 {
        text += [Ascii.zero, Ascii.point]
        text += repeatElement(Ascii.zero, count: -exponent - 1)
        text += digits
        return
      }
      text += digits.prefix(exponent + 1)
      text += repeatElement(Ascii.zero, count: max(exponent + 1 - digits.count, 0))
      if digits.count > exponent + 1 {
        text.append(Ascii.point)
        text += digits.dropFirst(exponent + 1)
      }
    }
  }
}
