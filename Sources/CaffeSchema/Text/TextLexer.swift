import CaffeErrors

/// A piece of text format: where it is, and of which kind.
struct TextToken {
  enum Kind: Equatable {
    case identifier, integer, float, string
    /// One byte of punctuation.
    case symbol(UInt8)
    case end
  }

  var kind: Kind
  /// Bytes of the text, quotes of a string included.
  var range: Range<Int>
  /// Counted from 1.
  var line: Int
  /// The first byte of the line.
  var lineStart: Int
}

/// Cuts text format into tokens, by the rules of protobuf's own tokenizer.
struct TextLexer {
  let file: String
  /// The text and a zero byte, so that looking one byte ahead needs no check.
  let bytes: [UInt8]
  private(set) var token = TextToken(kind: .end, range: 0..<0, line: 1, lineStart: 0)
  private var position: Int
  private var line = 1
  private var lineStart: Int

  /// Stands before the first token; a UTF-8 byte order mark is skipped.
  init(_ text: [UInt8], file: String) throws {
    self.file = file
    bytes = text + [0]
    position = text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    lineStart = position
    try advance()
  }

  /// Reads the next token into `token`.
  mutating func advance() throws {
    skipSpace()
    let start = position
    let first = bytes[start]
    token = TextToken(kind: .end, range: start..<start, line: line, lineStart: lineStart)
    if start == bytes.count - 1 { return }
    if first.isLetter {
      repeat { position += 1 } while bytes[position].isLetter || bytes[position].isDigit
      token.kind = .identifier
    } else if first.isDigit || first == Ascii.point && bytes[start + 1].isDigit {
      token.kind = try number()
    } else if first == Ascii.quote || first == Ascii.apostrophe {
      try string(quote: first)
      token.kind = .string
    } else if first < 0x20 || first == 0x7F {
      throw error(at: start, "this byte (\(first)) is no text")
    } else {
      position += 1
      while bytes[position] & 0xC0 == 0x80 { position += 1 }  // the rest of a UTF-8 character
      token.kind = .symbol(first)
    }
    token.range = start..<position
  }

  /// The token as it is written.
  func text(_ token: TextToken) -> String {
    token.kind == .end ? "the end of the file" : String(decoding: bytes[token.range], as: UTF8.self)
  }

  func location(_ token: TextToken) -> SourceLocation {
    location(token.range.lowerBound, line: token.line, lineStart: token.lineStart)
  }

  /// An error at the place of `token`.
  func error(_ token: TextToken, _ message: String) -> CaffeError {
    CaffeError(message, places: ["\(location(token))"])
  }

  /// An error at a byte of the current line.
  func error(at position: Int, _ message: String) -> CaffeError {
    CaffeError(message, places: ["\(location(position, line: line, lineStart: lineStart))"])
  }

  private func location(_ position: Int, line: Int, lineStart: Int) -> SourceLocation {
    let characters = bytes[lineStart..<position].count { $0 & 0xC0 != 0x80 }
    return SourceLocation(file: file, line: line, column: characters + 1)
  }

  /// Skips white space and `#` comments.
  private mutating func skipSpace() {
    while true {
      switch bytes[position] {
      case Ascii.newline:
        position += 1
        line += 1
        lineStart = position
      case 0x20, 0x09, 0x0B, 0x0C, 0x0D:
        position += 1
      case Ascii.hash:
        while bytes[position] != Ascii.newline && position < bytes.count - 1 { position += 1 }
      default:
        return
      }
    }
  }

  /// Passes over a number. `1f`, `1.`, `.5` and `1e3` are floats; `0x1F` and `017` are integers.
  private mutating func number() throws -> TextToken.Kind {
    let start = position
    var kind = TextToken.Kind.integer
    if bytes[start] == Ascii.zero && bytes[start + 1] | 0x20 == Ascii.x {
      position += 2
      skip(\.isHexDigit)
      if position == start + 2 { throw error(at: start, "'0x' needs hexadecimal digits after it") }
    } else if bytes[start] == Ascii.zero && bytes[start + 1].isDigit {
      skip(\.isOctalDigit)
      if bytes[position].isDigit {
        throw error(at: start, "a number that starts with 0 is octal: digits 0 to 7")
      }
    } else {
      kind = try decimalNumber()
    }
    if bytes[position].isLetter {
      throw error(at: position, "a number and a name need a space between them")
    }
    if bytes[position] == Ascii.point {
      throw error(
        at: position,
        kind == .float
          ? "a number has one decimal point, before its exponent"
          : "hexadecimal and octal numbers are integers")
    }
    return kind
  }

  private mutating func decimalNumber() throws -> TextToken.Kind {
    var kind = TextToken.Kind.integer
    skip(\.isDigit)
    if bytes[position] == Ascii.point {
      kind = .float
      position += 1
      skip(\.isDigit)
    }
    if bytes[position] | 0x20 == Ascii.e {
      kind = .float
      position += 1
      if bytes[position] == Ascii.plus || bytes[position] == Ascii.minus { position += 1 }
      if !bytes[position].isDigit { throw error(at: position, "an exponent needs digits") }
      skip(\.isDigit)
    }
    if bytes[position] | 0x20 == Ascii.f {
      kind = .float
      position += 1
    }
    return kind
  }

  /// Passes over a quoted string; escapes are decoded later.
  private mutating func string(quote: UInt8) throws {
    let start = position
    position += 1
    while bytes[position] != quote {
      if bytes[position] == Ascii.backslash { position += 1 }
      if bytes[position] == Ascii.newline || position >= bytes.count - 1 {
        throw error(
          at: start, "this string has no closing \(Character(Unicode.Scalar(quote))) on its line")
      }
      position += 1
    }
    position += 1
  }

  private mutating func skip(_ belongs: (UInt8) -> Bool) {
    while belongs(bytes[position]) { position += 1 }
  }
}

/// The bytes that text format gives a meaning.
enum Ascii {
  static let newline = UInt8(ascii: "\n")
  static let quote = UInt8(ascii: "\"")
  static let apostrophe = UInt8(ascii: "'")
  static let backslash = UInt8(ascii: "\\")
  static let hash = UInt8(ascii: "#")
  static let point = UInt8(ascii: ".")
  static let plus = UInt8(ascii: "+")
  static let minus = UInt8(ascii: "-")
  static let zero = UInt8(ascii: "0")
  static let e = UInt8(ascii: "e")
  static let f = UInt8(ascii: "f")
  static let x = UInt8(ascii: "x")
}

extension UInt8 {
  var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
  var isOctalDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(self) }
  var isHexDigit: Bool { hexValue != nil }
  /// A letter or an underscore.
  var isLetter: Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) || self == UInt8(ascii: "_")
  }
  var hexValue: UInt32? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(self - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(self - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(self - UInt8(ascii: "A")) + 10
    default: nil
    }
  }
}
