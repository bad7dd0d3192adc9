import CaffeErrors

/// Says why a field name is refused, and what may have been meant.
struct UnknownField {
  let name: String
  let message: MessageDescriptor
  /// The messages around the field, outermost first; the last is `message`.
  let enclosing: [MessageDescriptor]

  var sentence: String {
    let refusal = "\(message.name) has no field \"\(name)\""
    if let fork = ForkNames.origin(of: name, in: message.name) {
      return "\(refusal); it is an extension of \(fork)"
    }
    if let hint = misplaced { return "\(refusal); \(hint)" }
    if let near = NearestName.of(name, among: message.fields.map(\.name)) {
      return "\(refusal); did you mean \"\(near)\"?"
    }
    return refusal
  }

  /// Another message that the field belongs to: one around this one, or one directly inside it.
  private var misplaced: String? {
    if let outer = enclosing.dropLast().last(where: { $0.field(named: name) != nil }) {
      return "\(outer.name), which is around it, has one"
    }
    let holders = message.fields.compactMap { field -> String? in
      guard case .message(let type) = field.type, type.field(named: name) != nil else { return nil }
      return field.name
    }
    guard let first = holders.first else { return nil }
    return holders.count == 1
      ? "write it inside \(first) { }"
      : "it belongs inside one of \(holders.prefix(4).joined(separator: ", "))"
        + (holders.count > 4 ? " …" : "")
  }
}
