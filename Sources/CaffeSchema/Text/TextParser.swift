import CaffeErrors

/// Reads protobuf text format into messages, guided by their descriptors.
///
/// Accepts what protobuf's own parser accepts, without extensions: `{}` or `<>`, an optional colon
/// before a message, lists in brackets, `,` or `;` after a field. A singular field may be given
/// once. No message of the schema holds itself, so nesting is bounded by the schema.
struct TextParser {
  var lexer: TextLexer
  /// The messages being read, outermost first.
  private(set) var enclosing: [MessageDescriptor] = []
  /// What was wrong with the fields that were left out; `nil` if the first mistake ends the reading.
  var mistakes: [CaffeError]?

  init(_ text: [UInt8], file: String) throws {
    lexer = try TextLexer(text, file: file)
  }

  /// Reads the whole text as the fields of one message.
  mutating func parse(_ descriptor: MessageDescriptor) throws -> FieldStore {
    var store = FieldStore(descriptor)
    store.location = SourceLocation(file: lexer.file, line: 1, column: 1)
    enclosing.append(descriptor)
    while lexer.token.kind != .end {
      try parseFieldOrSkip(into: &store)
    }
    enclosing.removeLast()
    try RequiredFields.checkOwn(store)
    return store
  }

  /// Reads a field; if mistakes are collected, one with a mistake is noted and left out.
  private mutating func parseFieldOrSkip(into store: inout FieldStore) throws {
    guard mistakes != nil else { return try parseField(into: &store) }
    let (start, depth) = (lexer, enclosing.count)
    do {
      try parseField(into: &store)
    } catch let mistake as CaffeError {
      // Nothing comes after the end, and what a lexer cannot cut up has no next field.
      guard lexer.token.kind != .end else { throw mistake }
      mistakes?.append(mistake)
      enclosing.removeLast(enclosing.count - depth)
      lexer = start
      try skipField()
    }
  }

  /// Passes a field without reading it: a name, and a value or all up to a matching bracket.
  private mutating func skipField() throws {
    let hasName = lexer.token.kind == .identifier
    try lexer.advance()
    guard hasName else { return }
    _ = try skip(":")
    _ = try skip("-")
    var depth = 0
    repeat {
      switch lexer.token.kind {
      case .symbol(UInt8(ascii: "{")), .symbol(UInt8(ascii: "<")), .symbol(UInt8(ascii: "[")):
        depth += 1
      case .symbol(UInt8(ascii: "}")), .symbol(UInt8(ascii: ">")), .symbol(UInt8(ascii: "]")):
        if depth == 0 { return }
        depth -= 1
      case .end: return
      default: break
      }
      try lexer.advance()
    } while depth > 0
    if try !skip(";") { _ = try skip(",") }
  }

  /// Reads `name: value`, `name { … }` or `name: [ … ]`, and one separator if there is one.
  private mutating func parseField(into store: inout FieldStore) throws {
    let name = lexer.token
    let field = try parseFieldName(of: store.descriptor)
    if !field.isRepeated && store.has(field.index) {
      throw lexer.error(
        name, "\(field.messageName) takes one \"\(field.name)\", but it is given a second time")
    }
    try lexer.advance()
    let hasColon = try skip(":")
    let isList = field.isRepeated && lexer.token.kind == .symbol(UInt8(ascii: "["))
    if case .message(let type) = field.type {
      try parseElements(isList: isList) { parser in
        store[stores: field.index].append(
          try parser.parseMessage(type, field: field, name: name))
      }
    } else {
      guard hasColon else {
        throw lexer.error(
          lexer.token, "\"\(field.name)\" needs a ':' and a value, got \(lexer.text(lexer.token))")
      }
      try parseElements(isList: isList) { parser in
        try parser.parseValue(of: field, into: &store[value: field.index])
      }
    }
    if try !skip(";") { _ = try skip(",") }
  }

  /// Looks up the name at the current token, without passing it.
  private func parseFieldName(of descriptor: MessageDescriptor) throws -> FieldDescriptor {
    let token = lexer.token
    guard token.kind == .identifier else { throw unexpected(token, in: descriptor) }
    let field = lexer.bytes[token.range].withUnsafeBufferPointer { descriptor.field(named: $0) }
    guard let field else {
      let name = lexer.text(token)
      throw lexer.error(
        token, UnknownField(name: name, message: descriptor, enclosing: enclosing).sentence)
    }
    return field
  }

  /// Reads one element, or those between brackets.
  private mutating func parseElements(
    isList: Bool, _ element: (inout TextParser) throws -> Void
  ) throws {
    guard isList else { return try element(&self) }
    let opening = lexer.token
    try lexer.advance()
    if try skip("]") { return }
    while true {
      try element(&self)
      if try skip("]") { return }
      guard try skip(",") else {
        throw lexer.error(
          lexer.token,
          "expected ',' or ']' in the list opened at \(place(opening)), "
            + "got \(lexer.text(lexer.token))")
      }
    }
  }

  private mutating func parseMessage(
    _ type: MessageDescriptor, field: FieldDescriptor, name: TextToken
  ) throws -> FieldStore {
    let opening = lexer.token
    let closer: UInt8
    switch opening.kind {
    case .symbol(UInt8(ascii: "{")): closer = UInt8(ascii: "}")
    case .symbol(UInt8(ascii: "<")): closer = UInt8(ascii: ">")
    default:
      throw lexer.error(
        opening, "\"\(field.name)\" is a \(type.name) and needs '{', got \(lexer.text(opening))")
    }
    var store = FieldStore(type)
    store.location = lexer.location(name)
    enclosing.append(type)
    try lexer.advance()
    while lexer.token.kind != .symbol(closer) {
      if lexer.token.kind == .end {
        let brackets = (lexer.text(opening), Character(Unicode.Scalar(closer)))
        throw lexer.error(
          lexer.token,
          "the '\(brackets.0)' of \"\(field.name)\" opened at \(place(opening)) "
            + "has no '\(brackets.1)'")
      }
      try parseFieldOrSkip(into: &store)
    }
    enclosing.removeLast()
    try lexer.advance()
    try RequiredFields.checkOwn(store)
    return store
  }

  /// Passes `symbol` if it is next; says whether it was.
  private mutating func skip(_ symbol: Unicode.Scalar) throws -> Bool {
    guard lexer.token.kind == .symbol(UInt8(ascii: symbol)) else { return false }
    try lexer.advance()
    return true
  }

  private func place(_ token: TextToken) -> String {
    let location = lexer.location(token)
    return "line \(location.line), column \(location.column)"
  }

  /// Something that is not a field name where one should be.
  private func unexpected(_ token: TextToken, in descriptor: MessageDescriptor) -> CaffeError {
    let text = lexer.text(token)
    return switch token.kind {
    case .symbol(UInt8(ascii: "[")):
      lexer.error(token, "\(descriptor.name) has no extensions, so '[' cannot start a field")
    case .symbol(UInt8(ascii: "/")):
      lexer.error(
        token, "expected a field of \(descriptor.name), got '/'; a comment starts with '#'")
    case .symbol(UInt8(ascii: "}")), .symbol(UInt8(ascii: ">")):
      lexer.error(token, "this '\(text)' closes nothing that is open")
    default:
      lexer.error(token, "expected a field of \(descriptor.name), got \(text)")
    }
  }
}
