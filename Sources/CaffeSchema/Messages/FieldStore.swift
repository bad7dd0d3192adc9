/// The fields of one message: a value, found by index, with the descriptor that gives them names.
///
/// Typed messages such as ``PoolingParameter`` are thin covers over a store. Copying is cheap: the
/// contents are shared until one copy changes. Equality ignores where the message was written.
public struct FieldStore: Sendable {
  public let descriptor: MessageDescriptor
  /// Where the message was written, if it was read from text.
  public var location: SourceLocation?
  /// Empty until the first field is set; then one for each field of the descriptor.
  private var slots: [FieldValue] = []

  /// A message with no field set.
  public init(_ descriptor: MessageDescriptor) {
    self.descriptor = descriptor
  }

  /// Whether the field at `index` is set; for a repeated one, whether it has elements.
  public func has(_ index: Int) -> Bool { !self[value: index].isAbsent }

  /// Unsets the field, so that it reads as its default.
  public mutating func clear(_ index: Int) {
    if index < slots.count { slots[index] = .absent }
  }

  /// Protobuf's merge: a field set in `other` replaces, a repeated one appends, a message merges.
  public mutating func merge(_ other: FieldStore) {
    precondition(
      descriptor === other.descriptor,
      "merging \(other.descriptor.name) into \(descriptor.name)")
    for field in descriptor.fields where other.has(field.index) {
      self[value: field.index].merge(other[value: field.index], isRepeated: field.isRepeated)
    }
  }

  /// The raw value. Changing it in place does not copy a list that only this store holds.
  package subscript(value index: Int) -> FieldValue {
    get { index < slots.count ? slots[index] : .absent }
    _modify {
      if slots.isEmpty {
        slots = Array(repeating: .absent, count: descriptor.fields.count)
      }
      yield &slots[index]
    }
  }

  /// A singular field of a plain type; reads as the default when unset.
  package subscript<Value: FieldScalar>(index: Int) -> Value {
    get {
      if let value = Value(self[value: index]) { return value }
      guard let value = Value(descriptor.fields[index].defaultValue) else {
        preconditionFailure("\(descriptor.fields[index]) does not hold a \(Value.self)")
      }
      return value
    }
    set { self[value: index] = newValue.fieldValue }
  }

  /// A repeated field of a plain type; empty when unset. Changed in place.
  package subscript<Element: FieldListElement>(list index: Int) -> [Element] {
    get { Element.list(self[value: index]) ?? [] }
    _modify {
      var list = Element.list(self[value: index]) ?? []
      self[value: index] = .absent  // gives up the second reference, so that `list` is unique
      defer { self[value: index] = list.isEmpty ? .absent : Element.fieldValue(list) }
      yield &list
    }
  }

  package subscript<Value: ProtoEnum>(enum index: Int) -> Value {
    get { Self.known(self[index]) }
    set { self[index] = Int(newValue.rawValue) }
  }

  package subscript<Value: ProtoEnum>(enums index: Int) -> [Value] {
    get {
      let numbers: [Int] = self[list: index]
      return numbers.map(Self.known)
    }
    set { self[list: index] = newValue.map { Int($0.rawValue) } }
  }

  /// A singular message; reads as an empty one when unset.
  package subscript<Value: Message>(message index: Int) -> Value {
    get { Value(fields: self[stores: index].first ?? FieldStore(Value.descriptor)) }
    set { self[stores: index] = [newValue.fields] }
  }

  package subscript<Value: Message>(messages index: Int) -> [Value] {
    get { self[stores: index].map(Value.init(fields:)) }
    set { self[stores: index] = newValue.map(\.fields) }
  }

  /// The messages of a field, singular or repeated. Changed in place.
  package subscript(stores index: Int) -> [FieldStore] {
    get {
      if case .messages(let list) = self[value: index] { list } else { [] }
    }
    _modify {
      var list: [FieldStore] = []
      if case .messages(let held) = self[value: index] { list = held }
      self[value: index] = .absent
      defer { self[value: index] = list.isEmpty ? .absent : .messages(list) }
      yield &list
    }
  }

  /// Only known numbers enter a store: the readers refuse or skip others.
  private static func known<Value: ProtoEnum>(_ number: Int) -> Value {
    guard let raw = Int32(exactly: number), let value = Value(rawValue: raw) else {
      preconditionFailure("\(Value.self) has no value \(number)")
    }
    return value
  }
}

extension FieldStore: Equatable {
  public static func == (a: FieldStore, b: FieldStore) -> Bool {
    a.descriptor === b.descriptor
      && a.descriptor.fields.allSatisfy { a[value: $0.index] == b[value: $0.index] }
  }
}
