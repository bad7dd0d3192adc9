import CProtobufC
import CaffeSchemaC

extension MessageDescriptor {
  /// Every message of caffe.proto, in its order.
  public static let all: [MessageDescriptor] = {
    var builder = DescriptorBuilder()
    var messages: [MessageDescriptor] = []
    while let descriptor = caffe_message_descriptor(messages.count) {
      messages.append(builder.message(descriptor))
    }
    return messages
  }()

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The message of that name in caffe.proto, which must exist.
  static func named(_ name: String) -> MessageDescriptor {
    guard let descriptor = byName[name] else {
      preconditionFailure("caffe.proto has no message \(name)")
    }
    return descriptor
  }
}

/// Turns protobuf-c's descriptors into Swift ones, each once. No message of the schema holds itself.
private struct DescriptorBuilder {
  private var messages: [UnsafePointer<ProtobufCMessageDescriptor>: MessageDescriptor] = [:]
  private var enums: [UnsafeRawPointer: EnumDescriptor] = [:]

  mutating func message(_ c: UnsafePointer<ProtobufCMessageDescriptor>) -> MessageDescriptor {
    if let known = messages[c] { return known }
    let name = Self.localName(c.pointee.name)
    let fields = (0..<Int(c.pointee.n_fields)).map {
      field(c.pointee.fields[$0], index: $0, messageName: name)
    }
    let message = MessageDescriptor(name: name, fields: fields, cDescriptor: c)
    messages[c] = message
    return message
  }

  private mutating func field(
    _ c: ProtobufCFieldDescriptor, index: Int, messageName: String
  ) -> FieldDescriptor {
    let label: FieldLabel =
      switch c.label {
      case PROTOBUF_C_LABEL_REQUIRED: .required
      case PROTOBUF_C_LABEL_REPEATED: .repeated
      default: .optional
      }
    let type = type(of: c)
    return FieldDescriptor(
      name: String(cString: c.name), number: Int(c.id), index: index, messageName: messageName,
      label: label, type: type, isPacked: c.flags & PROTOBUF_C_FIELD_FLAG_PACKED.rawValue != 0,
      cDefault: c.default_value,
      defaultValue: label == .repeated ? .absent : Self.defaultValue(c.default_value, type: type))
  }

  private mutating func type(of c: ProtobufCFieldDescriptor) -> FieldType {
    switch c.type {
    case PROTOBUF_C_TYPE_INT32: return .int32
    case PROTOBUF_C_TYPE_INT64: return .int64
    case PROTOBUF_C_TYPE_UINT32: return .uint32
    case PROTOBUF_C_TYPE_UINT64: return .uint64
    case PROTOBUF_C_TYPE_FLOAT: return .float
    case PROTOBUF_C_TYPE_DOUBLE: return .double
    case PROTOBUF_C_TYPE_BOOL: return .bool
    case PROTOBUF_C_TYPE_STRING: return .string
    case PROTOBUF_C_TYPE_BYTES: return .bytes
    case PROTOBUF_C_TYPE_ENUM:
      return .enumeration(
        enumeration(c.descriptor.assumingMemoryBound(to: ProtobufCEnumDescriptor.self)))
    case PROTOBUF_C_TYPE_MESSAGE:
      return .message(
        message(c.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)))
    default:
      preconditionFailure("caffe.proto: field \(String(cString: c.name)) has a type not supported")
    }
  }

  private mutating func enumeration(
    _ c: UnsafePointer<ProtobufCEnumDescriptor>
  ) -> EnumDescriptor {
    if let known = enums[c] { return known }
    let values = (0..<Int(c.pointee.n_values)).map {
      (String(cString: c.pointee.values[$0].name), Int(c.pointee.values[$0].value))
    }
    let enumeration = EnumDescriptor(name: Self.localName(c.pointee.name), values: values)
    enums[c] = enumeration
    return enumeration
  }

  /// The explicit default if `c` points at one, else protobuf's: zero, empty, the first enum value.
  private static func defaultValue(_ c: UnsafeRawPointer?, type: FieldType) -> FieldValue {
    switch type {
    case .int32: .int(Int(c?.load(as: Int32.self) ?? 0))
    case .int64: .int(Int(c?.load(as: Int64.self) ?? 0))
    case .uint32: .int(Int(c?.load(as: UInt32.self) ?? 0))
    case .uint64: .int(Int(c?.load(as: UInt64.self) ?? 0))
    case .float: .float(c?.load(as: Float.self) ?? 0)
    case .double: .double(c?.load(as: Double.self) ?? 0)
    case .bool: .bool((c?.load(as: protobuf_c_boolean.self) ?? 0) != 0)
    case .string: .string(c.map { String(cString: $0.assumingMemoryBound(to: CChar.self)) } ?? "")
    case .bytes: .bytes([])
    case .enumeration(let type):
      .int(c.map { Int($0.load(as: Int32.self)) } ?? type.values[0].number)
    case .message: .absent
    }
  }

  /// `caffe.PoolingParameter.Engine` without the package.
  private static func localName(_ name: UnsafePointer<CChar>) -> String {
    String(String(cString: name).dropFirst("caffe.".count))
  }
}
