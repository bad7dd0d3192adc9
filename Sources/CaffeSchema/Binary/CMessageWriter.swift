import CProtobufC
import CaffeErrors

/// Lays a ``FieldStore`` out as a protobuf-c message, to be packed.
///
/// Owns the C memory of the message and frees it all at the end of its own life.
final class CMessageWriter {
  private var owned: [UnsafeMutableRawPointer] = []

  deinit {
    for block in owned { block.deallocate() }
  }

  /// The C struct of the message; valid as long as this writer.
  ///
  /// - Throws: CaffeError if an integer does not fit its field.
  func message(_ store: FieldStore) throws -> UnsafeMutablePointer<ProtobufCMessage> {
    let c = store.descriptor.cDescriptor
    let message = allocate(c.pointee.sizeof_message)
    // All zero is a message with no field set.
    message.initializeMemory(as: UInt8.self, repeating: 0, count: c.pointee.sizeof_message)
    message.storeBytes(of: c, as: UnsafePointer<ProtobufCMessageDescriptor>.self)
    for (field, value) in store.contents {
      let place = c.pointee.fields[field.index]
      try write(
        value, field, at: message + Int(place.offset),
        quantifier: message + Int(place.quantifier_offset))
    }
    return message.assumingMemoryBound(to: ProtobufCMessage.self)
  }

  private func write(
    _ value: FieldValue, _ field: FieldDescriptor, at place: UnsafeMutableRawPointer,
    quantifier: UnsafeMutableRawPointer
  ) throws {
    func list(_ block: UnsafeMutableRawPointer, _ count: Int) {
      place.storeBytes(of: block, as: UnsafeMutableRawPointer.self)
      quantifier.storeBytes(of: count, as: Int.self)
    }
    func set<C: BitwiseCopyable>(_ value: C) {
      place.storeBytes(of: value, as: C.self)
      if field.label == .optional {
        quantifier.storeBytes(of: 1, as: protobuf_c_boolean.self)
      }
    }
    switch value {
    case .absent: break
    case .int(let number):
      try integer(number, field, at: place)
      if field.label == .optional { quantifier.storeBytes(of: 1, as: protobuf_c_boolean.self) }
    case .float(let number): set(number)
    case .double(let number): set(number)
    case .bool(let flag): set(protobuf_c_boolean(flag ? 1 : 0))
    case .string(let text):
      place.storeBytes(of: try string(text, field), as: UnsafeMutableRawPointer.self)
    case .bytes(let bytes):
      let data = copy(bytes).assumingMemoryBound(to: UInt8.self)
      set(ProtobufCBinaryData(len: bytes.count, data: data))
    case .ints(let numbers):
      let width = field.type.integerWidth
      let block = allocate(numbers.count * width)
      for (i, number) in numbers.enumerated() {
        try integer(number, field, at: block + i * width)
      }
      list(block, numbers.count)
    case .floats(let numbers): list(copy(numbers), numbers.count)
    case .doubles(let numbers): list(copy(numbers), numbers.count)
    case .bools(let flags): list(copy(flags.map { protobuf_c_boolean($0 ? 1 : 0) }), flags.count)
    case .strings(let texts):
      list(copy(try texts.map { try string($0, field) }), texts.count)
    case .messages(let stores) where field.isRepeated:
      list(copy(try stores.map { try message($0) }), stores.count)
    case .messages(let stores):
      place.storeBytes(of: try message(stores[0]), as: UnsafeMutablePointer<ProtobufCMessage>.self)
    }
  }

  /// Writes an integer in the width of its field.
  private func integer(
    _ number: Int, _ field: FieldDescriptor, at place: UnsafeMutableRawPointer
  ) throws {
    func store<C: FixedWidthInteger & BitwiseCopyable>(_: C.Type) throws {
      guard let narrow = C(exactly: number) else {
        throw CaffeError(
          "\(field.name) of \(field.messageName) must be an integer from \(C.min) to \(C.max), "
            + "got \(number)")
      }
      place.storeBytes(of: narrow, as: C.self)
    }
    switch field.type {
    case .uint32: try store(UInt32.self)
    case .int64: try store(Int64.self)
    case .uint64: try store(UInt64.self)
    default: try store(Int32.self)
    }
  }

  /// A zero-terminated copy. protobuf-c ends a string at its first zero byte.
  private func string(_ text: String, _ field: FieldDescriptor) throws -> UnsafeMutableRawPointer {
    let bytes = Array(text.utf8)
    if bytes.contains(0) {
      throw CaffeError(
        "\(field.name) of \(field.messageName) cannot be saved: it holds a zero character")
    }
    return copy(bytes + [0])
  }

  private func copy<C: BitwiseCopyable>(_ elements: [C]) -> UnsafeMutableRawPointer {
    elements.withUnsafeBytes { bytes in
      let block = allocate(bytes.count)
      block.copyMemory(from: bytes.baseAddress ?? UnsafeRawPointer(block), byteCount: bytes.count)
      return block
    }
  }

  private func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
    let block = UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 1), alignment: 16)
    owned.append(block)
    return block
  }
}

extension FieldType {
  /// Bytes of one integer in protobuf-c's structs.
  fileprivate var integerWidth: Int {
    switch self {
    case .int64, .uint64: 8
    default: 4
    }
  }
}
