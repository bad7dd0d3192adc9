import CProtobufC

/// What kind of value a field holds, in protobuf's words.
public enum FieldType: Sendable {
  case int32, int64, uint32, uint64, float, double, bool, string, bytes
  case enumeration(EnumDescriptor)
  case message(MessageDescriptor)

  /// The name in the schema: `uint32`, `PoolingParameter.PoolMethod`.
  public var name: String {
    switch self {
    case .enumeration(let type): type.name
    case .message(let type): type.name
    default: String(describing: self)
    }
  }
}

/// How often a field may occur.
public enum FieldLabel: String, Sendable {
  case optional, required, repeated
}

/// One field of a message: what a prototxt may say.
public final class FieldDescriptor: Sendable, CustomStringConvertible {
  /// The name in the prototxt: `kernel_size`.
  public let name: String
  /// The number on the wire.
  public let number: Int
  public let label: FieldLabel
  public let type: FieldType
  /// Whether a repeated number is written as one block.
  public let isPacked: Bool
  /// Whether the schema names a default; otherwise it is zero, empty or the first enum value.
  public var hasExplicitDefault: Bool { cDefault != nil }
  /// The place among the fields of its message, in order of numbers.
  package let index: Int
  package let messageName: String
  /// What an unset singular field reads as; absent for messages and repeated fields.
  package let defaultValue: FieldValue
  /// protobuf-c's explicit default, which an unset string of a C struct points at.
  nonisolated(unsafe) let cDefault: UnsafeRawPointer?

  init(
    name: String, number: Int, index: Int, messageName: String, label: FieldLabel, type: FieldType,
    isPacked: Bool, cDefault: UnsafeRawPointer?, defaultValue: FieldValue
  ) {
    self.name = name
    self.number = number
    self.index = index
    self.messageName = messageName
    self.label = label
    self.type = type
    self.isPacked = isPacked
    self.cDefault = cDefault
    self.defaultValue = defaultValue
  }

  public var isRepeated: Bool { label == .repeated }

  /// What an unset field reads as, written as in a prototxt; nil for messages and repeated fields.
  public var defaultText: String? {
    defaultValue.isAbsent ? nil : TextPrinter.text(of: defaultValue, type: type)
  }

  public var description: String { "\(messageName).\(name)" }
}

/// An enum of the schema: names and numbers.
public final class EnumDescriptor: Sendable {
  /// The name in the schema: `PoolingParameter.PoolMethod`.
  public let name: String
  /// In order of their numbers.
  public let values: [(name: String, number: Int)]

  init(name: String, values: [(name: String, number: Int)]) {
    self.name = name
    self.values = values
  }

  public func number(of name: String) -> Int? { values.first { $0.name == name }?.number }
  public func name(of number: Int) -> String? { values.first { $0.number == number }?.name }
}

/// A message of the schema: its fields in order of their numbers.
public final class MessageDescriptor: Sendable {
  /// The name in the schema: `PoolingParameter`.
  public let name: String
  public let fields: [FieldDescriptor]
  package let requiredFields: [FieldDescriptor]
  /// Whether this message or one that it can hold has a required field.
  package let needsRequiredCheck: Bool
  /// Of protobuf-c, which keeps it for the life of the process.
  nonisolated(unsafe) let cDescriptor: UnsafePointer<ProtobufCMessageDescriptor>
  private let byName: [(name: [UInt8], field: FieldDescriptor)]

  init(
    name: String, fields: [FieldDescriptor],
    cDescriptor: UnsafePointer<ProtobufCMessageDescriptor>
  ) {
    self.name = name
    self.fields = fields
    self.cDescriptor = cDescriptor
    byName = fields.map { (Array($0.name.utf8), $0) }.sorted {
      $0.0.lexicographicallyPrecedes($1.0)
    }
    requiredFields = fields.filter { $0.label == .required }
    let holdsRequired = fields.contains {
      if case .message(let type) = $0.type { type.needsRequiredCheck } else { false }
    }
    needsRequiredCheck = holdsRequired || !requiredFields.isEmpty
  }

  /// The field of that name, or nil.
  public func field(named name: String) -> FieldDescriptor? {
    var name = name
    return name.withUTF8 { field(named: $0) }
  }

  /// Binary search; spares the text reader a `String` for each field.
  func field(named name: UnsafeBufferPointer<UInt8>) -> FieldDescriptor? {
    var low = 0
    var high = byName.count
    while low < high {
      let middle = (low + high) / 2
      if byName[middle].name.lexicographicallyPrecedes(name) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    guard low < byName.count, byName[low].name.elementsEqual(name) else { return nil }
    return byName[low].field
  }
}
