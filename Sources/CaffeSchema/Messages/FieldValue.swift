/// What one field of a message holds.
///
/// Numbers that repeat are plain arrays: a blob's million weights are one `[Float]`.
/// An enum value is its number, as `.int`. Empty lists are `.absent`, so equal messages compare equal.
package enum FieldValue: Equatable, Sendable {
  case absent
  case int(Int)
  case float(Float)
  case double(Double)
  case bool(Bool)
  case string(String)
  case bytes([UInt8])
  case ints([Int])
  case floats([Float])
  case doubles([Double])
  case bools([Bool])
  case strings([String])
  /// A singular sub-message is a list of one.
  case messages([FieldStore])

  package var isAbsent: Bool {
    if case .absent = self { true } else { false }
  }

  /// The elements of a list. Changed in place: while that goes on, only the caller holds the list.
  subscript<Element: FieldListElement>(as type: Element.Type) -> [Element] {
    get { type.list(self) ?? [] }
    _modify {
      var list = type.list(self) ?? []
      self = .absent
      defer { self = list.isEmpty ? .absent : type.fieldValue(list) }
      yield &list
    }
  }

  /// The messages of a field, singular or repeated. Changed in place likewise.
  var stores: [FieldStore] {
    get {
      if case .messages(let list) = self { list } else { [] }
    }
    _modify {
      var list: [FieldStore] = []
      if case .messages(let held) = self { list = held }
      self = .absent
      defer { self = list.isEmpty ? .absent : .messages(list) }
      yield &list
    }
  }

  /// Protobuf's merge: lists append, a singular message merges, anything else is replaced.
  mutating func merge(_ other: FieldValue, isRepeated: Bool) {
    switch (self, other) {
    case (_, .absent): return
    case (.ints(let a), .ints(let b)): self = .ints(a + b)
    case (.floats(let a), .floats(let b)): self = .floats(a + b)
    case (.doubles(let a), .doubles(let b)): self = .doubles(a + b)
    case (.bools(let a), .bools(let b)): self = .bools(a + b)
    case (.strings(let a), .strings(let b)): self = .strings(a + b)
    case (.messages(let a), .messages(let b)) where isRepeated: self = .messages(a + b)
    case (.messages(var a), .messages(let b)):
      a[0].merge(b[0])
      self = .messages(a)
    default: self = other
    }
  }
}

/// A Swift type that one singular field can hold.
package protocol FieldScalar {
  /// Nil if `value` is absent or of another kind.
  init?(_ value: FieldValue)
  var fieldValue: FieldValue { get }
}

/// A Swift type that a repeated field can hold.
package protocol FieldListElement {
  static func list(_ value: FieldValue) -> [Self]?
  static func fieldValue(_ list: [Self]) -> FieldValue
}

extension Int: FieldScalar, FieldListElement {
  package init?(_ value: FieldValue) {
    guard case .int(let number) = value else { return nil }
    self = number
  }
  package var fieldValue: FieldValue { .int(self) }
  package static func list(_ value: FieldValue) -> [Int]? {
    if case .ints(let list) = value { list } else { nil }
  }
  package static func fieldValue(_ list: [Int]) -> FieldValue { .ints(list) }
}

extension Float: FieldScalar, FieldListElement {
  package init?(_ value: FieldValue) {
    guard case .float(let number) = value else { return nil }
    self = number
  }
  package var fieldValue: FieldValue { .float(self) }
  package static func list(_ value: FieldValue) -> [Float]? {
    if case .floats(let list) = value { list } else { nil }
  }
  package static func fieldValue(_ list: [Float]) -> FieldValue { .floats(list) }
}

extension Double: FieldScalar, FieldListElement {
  package init?(_ value: FieldValue) {
    guard case .double(let number) = value else { return nil }
    self = number
  }
  package var fieldValue: FieldValue { .double(self) }
  package static func list(_ value: FieldValue) -> [Double]? {
    if case .doubles(let list) = value { list } else { nil }
  }
  package static func fieldValue(_ list: [Double]) -> FieldValue { .doubles(list) }
}

extension Bool: FieldScalar, FieldListElement {
  package init?(_ value: FieldValue) {
    guard case .bool(let flag) = value else { return nil }
    self = flag
  }
  package var fieldValue: FieldValue { .bool(self) }
  package static func list(_ value: FieldValue) -> [Bool]? {
    if case .bools(let list) = value { list } else { nil }
  }
  package static func fieldValue(_ list: [Bool]) -> FieldValue { .bools(list) }
}

extension String: FieldScalar, FieldListElement {
  package init?(_ value: FieldValue) {
    guard case .string(let string) = value else { return nil }
    self = string
  }
  package var fieldValue: FieldValue { .string(self) }
  package static func list(_ value: FieldValue) -> [String]? {
    if case .strings(let list) = value { list } else { nil }
  }
  package static func fieldValue(_ list: [String]) -> FieldValue { .strings(list) }
}

extension [UInt8]: FieldScalar {
  package init?(_ value: FieldValue) {
    guard case .bytes(let bytes) = value else { return nil }
    self = bytes
  }
  package var fieldValue: FieldValue { .bytes(self) }
}
