import CProtobufC
import Glibc

/// Moves an unpacked protobuf-c message into a ``FieldStore``.
///
/// Where a field lies in the C struct is told by its descriptor: the value at `offset`, and at
/// `quantifier_offset` either its `has_` flag or its count. Lists of numbers are copied once as
/// blocks and their C memory is given back at once, so that a large model is not held twice.
struct CMessageReader {
  /// Throws nothing: values protobuf-c let through are in range, but for enum numbers that the
  /// schema does not have, which count as unset, as proto2 has it.
  static func read(
    _ message: UnsafeMutableRawPointer, as descriptor: MessageDescriptor
  ) -> FieldStore {
    var store = FieldStore(descriptor)
    for field in descriptor.fields {
      let place = Place(message, descriptor.cDescriptor.pointee.fields[field.index])
      let value = field.isRepeated ? list(field, place) : single(field, place)
      if !value.isAbsent { store[value: field.index] = value }
    }
    return store
  }

  /// A field inside a C struct.
  private struct Place {
    let value: UnsafeMutableRawPointer
    private let quantifier: UnsafeMutableRawPointer

    init(_ message: UnsafeMutableRawPointer, _ field: ProtobufCFieldDescriptor) {
      value = message + Int(field.offset)
      quantifier = message + Int(field.quantifier_offset)
    }

    var isSet: Bool { quantifier.load(as: protobuf_c_boolean.self) != 0 }
    var count: Int { quantifier.load(as: Int.self) }
    var pointer: UnsafeMutableRawPointer? { value.load(as: UnsafeMutableRawPointer?.self) }

    /// Frees the list and marks it empty, so that protobuf-c will not free it again.
    func release() {
      free(pointer)
      value.storeBytes(of: nil, as: UnsafeMutableRawPointer?.self)
      quantifier.storeBytes(of: 0, as: Int.self)
    }
  }

  private static func single(_ field: FieldDescriptor, _ place: Place) -> FieldValue {
    switch field.type {
    case .string:
      // An unset string points at its default, or is nil.
      guard let text = place.pointer, !isDefault(text, of: field) else { return .absent }
      return .string(string(text))
    case .message(let type):
      return place.pointer.map { .messages([read($0, as: type)]) } ?? .absent
    case _ where field.label == .optional && !place.isSet:
      return .absent
    case .bytes:
      let data = place.value.load(as: ProtobufCBinaryData.self)
      return .bytes(Array(UnsafeBufferPointer(start: data.data, count: data.len)))
    case .int32: return .int(Int(place.value.load(as: Int32.self)))
    case .uint32: return .int(Int(place.value.load(as: UInt32.self)))
    case .int64: return .int(place.value.load(as: Int.self))
    case .uint64: return .int(Int(clamping: place.value.load(as: UInt.self)))
    case .float: return .float(place.value.load(as: Float.self))
    case .double: return .double(place.value.load(as: Double.self))
    case .bool: return .bool(place.value.load(as: protobuf_c_boolean.self) != 0)
    case .enumeration(let type):
      let number = Int(place.value.load(as: Int32.self))
      return type.name(of: number) == nil ? .absent : .int(number)
    }
  }

  private static func list(_ field: FieldDescriptor, _ place: Place) -> FieldValue {
    let count = place.count
    guard count > 0, let start = place.pointer else { return .absent }
    func elements<C>(_: C.Type) -> UnsafeBufferPointer<C> {
      UnsafeBufferPointer(start: start.assumingMemoryBound(to: C.self), count: count)
    }
    defer { if !field.type.isPointer { place.release() } }
    switch field.type {
    case .int32: return .ints(elements(Int32.self).map(Int.init))
    case .uint32: return .ints(elements(UInt32.self).map(Int.init))
    case .int64: return .ints(Array(elements(Int.self)))
    case .uint64: return .ints(elements(UInt.self).map(Int.init(clamping:)))
    case .float: return .floats(Array(elements(Float.self)))
    case .double: return .doubles(Array(elements(Double.self)))
    case .bool: return .bools(elements(protobuf_c_boolean.self).map { $0 != 0 })
    case .enumeration(let type):
      let known = elements(Int32.self).map(Int.init).filter { type.name(of: $0) != nil }
      return known.isEmpty ? .absent : .ints(known)
    case .string:
      return .strings(elements(UnsafeMutableRawPointer.self).map(string))
    case .message(let type):
      return .messages(elements(UnsafeMutableRawPointer.self).map { read($0, as: type) })
    case .bytes: preconditionFailure("\(field): repeated bytes are not supported")
    }
  }

  private static func isDefault(
    _ text: UnsafeMutableRawPointer, of field: FieldDescriptor
  ) -> Bool {
    field.cDefault.map { $0 == UnsafeRawPointer(text) } ?? false
  }

  /// Bytes that are no UTF-8 become replacement characters.
  private static func string(_ text: UnsafeMutableRawPointer) -> String {
    String(cString: text.assumingMemoryBound(to: CChar.self))
  }
}

extension FieldType {
  /// Whether a list of this type holds pointers of its own.
  fileprivate var isPointer: Bool {
    switch self {
    case .string, .bytes, .message: true
    default: false
    }
  }
}
