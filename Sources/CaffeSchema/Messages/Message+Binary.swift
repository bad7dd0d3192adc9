import CProtobufC
import CaffeErrors

extension Message {
  /// Reads a message in protobuf's binary form.
  ///
  /// Fields the schema does not know are skipped; enum values it does not know count as unset.
  /// - Throws: CaffeError if the bytes are truncated or no `Self`.
  public init(binary bytes: UnsafeRawBufferPointer, file: String) throws {
    self.init(fields: try withPlace(file) { try FieldStore(binary: bytes, type: Self.descriptor) })
  }

  public init(binary bytes: [UInt8], file: String) throws {
    let fields = try bytes.withUnsafeBytes { try Self(binary: $0, file: file).fields }
    self.init(fields: fields)
  }

  /// Reads a binary file of at most 2 GiB.
  public init(contentsOfBinaryFile path: String) throws {
    let fields = try FileBytes.withBytes(of: path, limit: FileBytes.largestBinary) {
      try Self(binary: $0, file: path).fields
    }
    self.init(fields: fields)
  }

  /// The message in protobuf's binary form.
  ///
  /// - Throws: CaffeError if a required field is unset or an integer does not fit its field.
  public func binary() throws -> [UInt8] { try fields.binary() }
}

extension FieldStore {
  /// Reads a message of the given type.
  ///
  /// - Throws: CaffeError, without the name of the file, if the bytes are no such message.
  package init(binary bytes: UnsafeRawBufferPointer, type: MessageDescriptor) throws {
    let start = bytes.bindMemory(to: UInt8.self).baseAddress
    guard let message = protobuf_c_message_unpack(type.cDescriptor, nil, bytes.count, start) else {
      throw CaffeError("not a binary \(type.name), or a truncated one (\(bytes.count) bytes)")
    }
    defer { protobuf_c_message_free_unpacked(message, nil) }
    self = CMessageReader.read(message, as: type)
  }

  package func binary() throws -> [UInt8] {
    try RequiredFields.check(self)
    let writer = CMessageWriter()
    return try withExtendedLifetime(writer) {
      let message = try writer.message(self)
      let size = protobuf_c_message_get_packed_size(message)
      return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        count = protobuf_c_message_pack(message, buffer.baseAddress)
      }
    }
  }
}
