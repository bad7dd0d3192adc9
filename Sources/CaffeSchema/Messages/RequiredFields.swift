import CaffeErrors

/// Required fields are few (ClipParameter), so most messages need no look.
enum RequiredFields {
  /// Throws if a required field of the message or of one inside it is not set.
  static func check(_ store: FieldStore) throws {
    guard store.descriptor.needsRequiredCheck else { return }
    try checkOwn(store)
    for (_, value) in store.contents {
      if case .messages(let list) = value { try list.forEach(check) }
    }
  }

  /// Throws if a required field of the message itself is not set.
  static func checkOwn(_ store: FieldStore) throws {
    let missing = store.descriptor.requiredFields.filter { !store.has($0.index) }
    guard !missing.isEmpty else { return }
    let names = missing.map { "\"\($0.name)\"" }.joined(separator: " and ")
    throw CaffeError(
      "\(store.descriptor.name) needs \(names)", places: store.location.map { ["\($0)"] } ?? [])
  }
}
