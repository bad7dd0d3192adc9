/// Prints messages as protobuf's text format does: fields by number, two spaces a level.
enum TextPrinter {
  static func text(of store: FieldStore) -> String {
    var text = ""
    print(store, indent: "", into: &text)
    return text
  }

  /// One value as it stands after the colon.
  static func text(of value: FieldValue, type: FieldType) -> String {
    switch value {
    case .int(let number):
      if case .enumeration(let values) = type {
        values.name(of: number) ?? "\(number)"
      } else {
        "\(number)"
      }
    case .float(let number): FloatText.text(number)
    case .double(let number): FloatText.text(number)
    case .bool(let flag): flag ? "true" : "false"
    case .string(let string): StringEscapes.quoted(string.utf8)
    case .bytes(let bytes): StringEscapes.quoted(bytes)
    default: preconditionFailure("not a single value")
    }
  }

  private static func print(_ store: FieldStore, indent: String, into text: inout String) {
    for field in store.descriptor.fields where store.has(field.index) {
      let value = store[value: field.index]
      if case .messages(let list) = value {
        for message in list {
          text += "\(indent)\(field.name) {\n"
          print(message, indent: indent + "  ", into: &text)
          text += "\(indent)}\n"
        }
      } else {
        for element in value.elements {
          text += "\(indent)\(field.name): \(self.text(of: element, type: field.type))\n"
        }
      }
    }
  }
}

extension FieldValue {
  /// The single values of a list; a single value is a list of one.
  fileprivate var elements: [FieldValue] {
    switch self {
    case .ints(let list): list.map(FieldValue.int)
    case .floats(let list): list.map(FieldValue.float)
    case .doubles(let list): list.map(FieldValue.double)
    case .bools(let list): list.map(FieldValue.bool)
    case .strings(let list): list.map(FieldValue.string)
    default: [self]
    }
  }
}
