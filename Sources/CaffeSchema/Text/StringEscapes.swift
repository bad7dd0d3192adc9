import CaffeErrors

/// The escapes of quoted strings in text format.
enum StringEscapes {
  /// Appends the bytes a string token stands for.
  static func decode(
    _ token: TextToken, of lexer: TextLexer, into result: inout [UInt8]
  ) throws {
    let body = lexer.bytes[(token.range.lowerBound + 1)..<(token.range.upperBound - 1)]
    guard body.contains(Ascii.backslash) else {
      result += body
      return
    }
    var rest = body
    while let byte = rest.popFirst() {
      guard byte == Ascii.backslash else {
        result.append(byte)
        continue
      }
      let start = rest.startIndex - 1
      guard let escaped = decodeEscape(&rest) else {
        throw lexer.error(at: start, "\"\\\(next(after: start, in: lexer))\" is no escape sequence")
      }
      result += escaped
    }
  }

  /// Bytes between double quotes; all but printable ASCII as escapes.
  static func quoted(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = [Ascii.quote]
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\n"): text += "\\n".utf8
      case UInt8(ascii: "\r"): text += "\\r".utf8
      case UInt8(ascii: "\t"): text += "\\t".utf8
      case Ascii.quote, Ascii.apostrophe, Ascii.backslash: text += [Ascii.backslash, byte]
      case 0x20..<0x7F: text.append(byte)
      default:
        text += [Ascii.backslash] + [byte >> 6, byte >> 3 & 7, byte & 7].map { Ascii.zero + $0 }
      }
    }
    text.append(Ascii.quote)
    return String(decoding: text, as: UTF8.self)
  }

  /// Takes what follows a backslash from `rest`; nil if it is no escape.
  private static func decodeEscape(_ rest: inout ArraySlice<UInt8>) -> [UInt8]? {
    guard let kind = rest.popFirst() else { return nil }
    switch kind {
    case UInt8(ascii: "a"): return [0x07]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "v"): return [0x0B]
    case Ascii.backslash, Ascii.quote, Ascii.apostrophe, UInt8(ascii: "?"): return [kind]
    case _ where kind.isOctalDigit:
      var value = UInt32(kind - Ascii.zero)
      takeDigits(&rest, base: 8, atMost: 2, into: &value)
      return [UInt8(truncatingIfNeeded: value)]
    case Ascii.x, UInt8(ascii: "X"):
      var value: UInt32 = 0
      let count = takeDigits(&rest, base: 16, atMost: 2, into: &value)
      return count > 0 ? [UInt8(truncatingIfNeeded: value)] : nil
    case UInt8(ascii: "u"): return character(&rest, digits: 4)
    case UInt8(ascii: "U"): return character(&rest, digits: 8)
    default: return nil
    }
  }

  /// A Unicode character of exactly `digits` hexadecimal digits; a surrogate pair may be two `\u`.
  private static func character(_ rest: inout ArraySlice<UInt8>, digits: Int) -> [UInt8]? {
    var value: UInt32 = 0
    guard takeDigits(&rest, base: 16, atMost: digits, into: &value) == digits else { return nil }
    if digits == 4, (0xD800..<0xDC00).contains(value),
      rest.starts(with: [Ascii.backslash, UInt8(ascii: "u")])
    {
      var tail = rest.dropFirst(2)
      var low: UInt32 = 0
      if takeDigits(&tail, base: 16, atMost: 4, into: &low) == 4, (0xDC00..<0xE000).contains(low) {
        value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00)
        rest = tail
      }
    }
    return Unicode.Scalar(value).map { Array(String(Character($0)).utf8) }
  }

  @discardableResult
  private static func takeDigits(
    _ rest: inout ArraySlice<UInt8>, base: UInt32, atMost limit: Int, into value: inout UInt32
  ) -> Int {
    var count = 0
    while count < limit, let digit = rest.first?.hexValue, digit < base {
      value = value &* base &+ digit
      rest.removeFirst()
      count += 1
    }
    return count
  }

  /// The character after a backslash, for an error.
  private static func next(after position: Int, in lexer: TextLexer) -> Character {
    String(decoding: lexer.bytes[(position + 1)...].prefix(4), as: UTF8.self).first ?? " "
  }
}
