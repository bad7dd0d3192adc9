import Glibc

/// How numbers, and words from files, read in logs and messages.
public enum Text {
  /// Six significant digits, as C++ streams print by default: `0.0933`, `1e-05`, `87.3365`, `nan`.
  public static func number(_ value: Float) -> String { number(Double(value)) }

  public static func number(_ value: Double) -> String {
    withVaList([value]) { arguments in
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
        guard let base = buffer.baseAddress else { return "" }
        vsnprintf(base, buffer.count, "%g", arguments)
        return String(cString: base)
      }
    }
  }

  /// The text without anything that ends a line or moves a terminal's cursor: `\n`, `\u{1B}` in
  /// place of such characters.
  public static func oneLine(_ text: String) -> String {
    let controls: (Unicode.Scalar) -> Bool = {
      switch $0.properties.generalCategory {
      case .control: $0 != "\t"
      case .lineSeparator, .paragraphSeparator: true
      default: false
      }
    }
    guard text.unicodeScalars.contains(where: controls) else { return text }
    return text.unicodeScalars.reduce(into: "") { line, scalar in
      line += controls(scalar) ? scalar.escaped(asASCII: true) : String(scalar)
    }
  }
}

extension String {
  /// Without blanks and tabs at either end.
  public func trimmed() -> String {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
  }
}
