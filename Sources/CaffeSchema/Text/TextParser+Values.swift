import CaffeErrors

extension TextParser {
  /// Reads one value of a field that is no message: sets it, or appends it if the field repeats.
  mutating func parseValue(of field: FieldDescriptor, into value: inout FieldValue) throws {
    switch field.type {
    case .int32: try store(integer(field, Int(Int32.min)...Int(Int32.max)), field, &value)
    case .uint32: try store(integer(field, 0...Int(UInt32.max)), field, &value)
    case .int64: try store(integer(field, Int.min...Int.max), field, &value)
    case .uint64: try store(integer(field, 0...Int.max), field, &value)
    case .float: try store(Float(real(field)), field, &value)
    case .double: try store(real(field), field, &value)
    case .bool: try store(boolean(field), field, &value)
    case .enumeration(let type): try store(enumerator(field, type), field, &value)
    case .string: try store(string(field), field, &value)
    case .bytes: value = .bytes(try bytes(field))
    case .message: preconditionFailure("\(field) is a message")
    }
  }

  /// Sets the value, or appends to it.
  private func store<Value: FieldScalar & FieldListElement>(
    _ new: Value, _ field: FieldDescriptor, _ value: inout FieldValue
  ) {
    guard field.isRepeated else {
      value = new.fieldValue
      return
    }
    value[as: Value.self].append(new)
  }

  /// `5`, `-5`, `0x1F`, `017`.
  private mutating func integer(_ field: FieldDescriptor, _ range: ClosedRange<Int>) throws -> Int {
    let (isNegative, token) = try sign()
    guard token.kind == .integer else { throw wrong(field, "an integer", isNegative, token) }
    let number: Int?
    if let magnitude = magnitude(token) {
      number =
        isNegative
        ? (magnitude <= Int.min.magnitude ? Int(truncatingIfNeeded: 0 &- magnitude) : nil)
        : Int(exactly: magnitude)
    } else {
      number = nil
    }
    guard let number, range.contains(number) else {
      throw wrong(
        field, "an integer from \(range.lowerBound) to \(range.upperBound)", isNegative, token)
    }
    try lexer.advance()
    return number
  }

  /// The value of an integer token, or nil if it needs more than 64 bits.
  private func magnitude(_ token: TextToken) -> UInt? {
    var digits = lexer.bytes[token.range]
    var base: UInt = 10
    if digits.count > 1 && digits.first == Ascii.zero {
      let isHex = digits[digits.startIndex + 1] | 0x20 == Ascii.x
      base = isHex ? 16 : 8
      digits = digits.dropFirst(isHex ? 2 : 1)
    }
    var value: UInt = 0
    for digit in digits {
      let (product, overflow) = value.multipliedReportingOverflow(by: base)
      let (sum, carry) = product.addingReportingOverflow(UInt(digit.hexValue ?? 0))
      if overflow || carry { return nil }
      value = sum
    }
    return value
  }

  /// `1`, `-0.5`, `1e-3`, `1f`, `inf`, `nan`; no hexadecimal or octal integers.
  private mutating func real(_ field: FieldDescriptor) throws -> Double {
    let (isNegative, token) = try sign()
    let digits = lexer.bytes[token.range]
    let value: Double
    switch token.kind {
    case .integer where digits.count == 1 || digits.first != Ascii.zero, .float:
      value = DecimalNumber.parse(digits)
    case .identifier:
      switch lexer.text(token).lowercased() {
      case "inf", "infinity": value = .infinity
      case "nan": value = .nan
      default: throw wrong(field, "a number", isNegative, token)
      }
    case .integer: throw wrong(field, "a decimal number", isNegative, token)
    default: throw wrong(field, "a number", isNegative, token)
    }
    try lexer.advance()
    return isNegative ? -value : value
  }

  private mutating func boolean(_ field: FieldDescriptor) throws -> Bool {
    let token = lexer.token
    let value: Bool? =
      switch (token.kind, lexer.text(token)) {
      case (.identifier, "true"), (.identifier, "True"), (.identifier, "t"): true
      case (.identifier, "false"), (.identifier, "False"), (.identifier, "f"): false
      case (.integer, _): magnitude(token).flatMap { $0 <= 1 ? $0 == 1 : nil }
      default: nil
      }
    guard let value else { throw wrong(field, "true or false", false, token) }
    try lexer.advance()
    return value
  }

  /// An enum value by name or by number.
  private mutating func enumerator(_ field: FieldDescriptor, _ type: EnumDescriptor) throws -> Int {
    let (isNegative, token) = try sign()
    let text = lexer.text(token)
    switch token.kind {
    case .identifier where !isNegative:
      guard let number = type.number(of: text) else {
        let near = NearestName.of(text, among: type.values.map(\.name))
        let names = type.values.map(\.name).joined(separator: ", ")
        let hint = near.map { "did you mean \($0)?" } ?? "it can be \(names)"
        throw lexer.error(
          token, "\(field.name) of \(field.messageName) has no value \(text); \(hint)")
      }
      try lexer.advance()
      return number
    case .integer:
      let number = magnitude(token).flatMap(Int.init(exactly:)).map { isNegative ? -$0 : $0 }
      guard let number, type.name(of: number) != nil else {
        let sign = isNegative ? "-" : ""
        throw lexer.error(
          token, "\(field.name) of \(field.messageName) has no value numbered \(sign)\(text)")
      }
      try lexer.advance()
      return number
    default:
      let names = type.values.map(\.name).joined(separator: ", ")
      throw wrong(field, "a name without quotes (\(names))", isNegative, token)
    }
  }

  private mutating func string(_ field: FieldDescriptor) throws -> String {
    let first = lexer.token
    let bytes = try bytes(field)
    if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes, as: UTF8.self) }
    guard let string = String(validating: bytes, as: UTF8.self) else {
      throw lexer.error(first, "\(field.name) of \(field.messageName) is not UTF-8 text")
    }
    return string
  }

  /// Adjacent quoted strings are one.
  private mutating func bytes(_ field: FieldDescriptor) throws -> [UInt8] {
    guard lexer.token.kind == .string else {
      throw wrong(field, "a string in quotes", false, lexer.token)
    }
    var result: [UInt8] = []
    while lexer.token.kind == .string {
      try StringEscapes.decode(lexer.token, of: lexer, into: &result)
      try lexer.advance()
    }
    return result
  }

  /// Passes a minus sign if there is one; gives the token after it.
  private mutating func sign() throws -> (isNegative: Bool, token: TextToken) {
    let isNegative = lexer.token.kind == .symbol(Ascii.minus)
    if isNegative { try lexer.advance() }
    return (isNegative, lexer.token)
  }

  private func wrong(
    _ field: FieldDescriptor, _ expected: String, _ isNegative: Bool, _ token: TextToken
  ) -> CaffeError {
    let got = (isNegative ? "-" : "") + lexer.text(token)
    return lexer.error(
      token, "\(field.name) of \(field.messageName) must be \(expected), got \(got)")
  }
}
