/// The fields of one message: a value, found by index, with the descriptor that gives them names.
///
/// Typed messages such as ``PoolingParameter`` are thin covers over a store. Copying is cheap: the
/// contents are shared until one copy changes. Equality ignores where the message was written.
public struct FieldStore: Sendable {
  public let descriptor: MessageDescriptor
  /// Where the message was written, if it was read from text.
  public var location: SourceLocation?
  /// The fields that are set, by index. Few of a layer's sixty are.
  private var slots: [Slot] = []

  private struct Slot: Equatable {
    let index: Int
    var value: FieldValue
  }

  /// A message with no field set.
  public init(_ descriptor: MessageDescriptor) {
    self.descriptor = descriptor
  }

  /// Whether the field at `index` is set; for a repeated one, whether it has elements.
  public func has(_ index: Int) -> Bool { !self[value: index].isAbsent }

  /// Unsets the field, so that it reads as its default.
  public mutating func clear(_ index: Int) {
    slots.removeAll { $0.index == index }
  }

  /// The fields that are set and what they hold, in order of their numbers.
  package var contents: some Sequence<(field: FieldDescriptor, value: FieldValue)> {
    slots.lazy.map { (descriptor.fields[$0.index], $0.value) }
  }

  /// Protobuf's merge: a field set in `other` replaces, a repeated one appends, a message merges.
  public mutating func merge(_ other: FieldStore) {
    precondition(
      descriptor === other.descriptor,
      "merging \(other.descriptor.name) into \(descriptor.name)")
    for (field, value) in other.contents {
      self[value: field.index].merge(value, isRepeated: field.isRepeated)
    }
  }

  /// The raw value. Changing it in place does not copy a list that only this store holds.
  package subscript(value index: Int) -> FieldValue {
    get {
      let place = place(of: index)
      return place < slots.count && slots[place].index == index ? slots[place].value : .absent
    }
    _modify {
      let place = place(of: index)
      if place == slots.count || slots[place].index != index {
        slots.insert(Slot(index: index, value: .absent), at: place)
      }
      defer { if slots[place].value.isAbsent { slots.remove(at: place) } }
      yield &slots[place].value
    }
  }

  /// Where the slot of a field is, or would have to be inserted.
  private func place(of index: Int) -> Int {
    var place = slots.count
    while place > 0 && slots[place - 1].index >= index { place -= 1 }
    return place
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
    get { self[value: index][as: Element.self] }
    _modify { yield &self[value: index][as: Element.self] }
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
    get { self[value: index].stores }
    _modify { yield &self[value: index].stores }
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
    a.descriptor === b.descriptor && a.slots == b.slots
  }
}
