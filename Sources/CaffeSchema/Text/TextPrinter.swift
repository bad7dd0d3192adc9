/// Prints messages as protobuf's text format does: fields by number, two spaces a level.
struct TextPrinter {
  private var output: [UInt8] = []

  static func text(of store: FieldStore) -> String {
    var printer = TextPrinter()
    printer.print(store, indent: "")
    return String(decoding: printer.output, as: UTF8.self)
  }

  /// One value as it stands after the colon.
  static func text(of value: FieldValue, type: FieldType) -> String {
    switch value {
    case .int(let number): text(of: number, type: type)
    case .float(let number): FloatText.text(number)
    case .double(let number): FloatText.text(number)
    case .bool(let flag): "\(flag)"
    case .string(let string): StringEscapes.quoted(string.utf8)
    case .bytes(let bytes): StringEscapes.quoted(bytes)
    default: preconditionFailure("not a single value")
    }
  }

  /// An integer, or the name of an enum value.
  private static func text(of number: Int, type: FieldType) -> String {
    if case .enumeration(let values) = type, let name = values.name(of: number) { return name }
    return "\(number)"
  }

  private mutating func print(_ store: FieldStore, indent: String) {
    for (field, value) in store.contents {
      let start = "\(indent)\(field.name)"
      switch value {
      case .absent: continue
      case .ints(let list): printEach(list, start) { Self.text(of: $0, type: field.type) }
      case .floats(let list): printEach(list, start) { FloatText.text($0) }
      case .doubles(let list): printEach(list, start) { FloatText.text($0) }
      case .bools(let list): printEach(list, start) { "\($0)" }
      case .strings(let list): printEach(list, start) { StringEscapes.quoted($0.utf8) }
      case .messages(let list):
        for message in list {
          output += "\(start) {\n".utf8
          print(message, indent: indent + "  ")
          output += "\(indent)}\n".utf8
        }
      default: printEach([value], start) { Self.text(of: $0, type: field.type) }
      }
    }
  }

  private mutating func printEach<Element>(
    _ list: [Element], _ start: String, _ text: (Element) -> String
  ) {
    for element in list {
      output += start.utf8
      output += ": ".utf8
      output += text(element).utf8
      output.append(Ascii.newline)
    }
  }
}
