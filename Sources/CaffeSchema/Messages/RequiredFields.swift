import CaffeErrors

/// Required fields are few (ClipParameter), so most messages need no look.
enum RequiredFields {
  /// Throws if a required field of the message or of one inside it is not set.
  static func check(_ store: FieldStore) throws {
    guard store.descriptor.needsRequiredCheck else { return }
    let missing = store.descriptor.fields.filter { $0.label == .required && !store.has($0.index) }
    guard missing.isEmpty else {
      let names = missing.map { "\"\($0.name)\"" }.joined(separator: " and ")
      throw CaffeError(
        "\(store.descriptor.name) needs \(names)", places: store.location.map { ["\($0)"] } ?? [])
    }
    for field in store.descriptor.fields {
      guard case .message(let type) = field.type, type.needsRequiredCheck else { continue }
      for inner in store[stores: field.index] { try check(inner) }
    }
  }
}
