import CaffeErrors

/// Steps through the fields of one protobuf message without copying, which the pixels of a database
/// are too many for; all other messages go through `CaffeSchema`.
struct WireReader {
  enum FieldType: UInt64 {
    case varint = 0
    case fixed64 = 1
    case bytes = 2
    case fixed32 = 5
  }

  private var rest: UnsafeRawBufferPointer

  init(_ message: UnsafeRawBufferPointer) {
    rest = message
  }

  var isAtEnd: Bool { rest.isEmpty }

  /// The number and type of the next field, or nil at the end of the message.
  mutating func nextField() throws -> (number: UInt64, type: FieldType)? {
    guard !isAtEnd else { return nil }
    let tag = try varint()
    guard let type = FieldType(rawValue: tag & 7), tag >> 3 > 0 else {
      throw CaffeError("a field has the impossible tag \(tag)")
    }
    return (tag >> 3, type)
  }

  mutating func varint() throws -> UInt64 {
    var value: UInt64 = 0
    for (index, byte) in rest.prefix(10).enumerated() {
      value |= UInt64(byte & 0x7F) << UInt64(7 * index)
      if byte < 0x80 {
        _ = try take(index + 1)
        return value
      }
    }
    throw CaffeError("a number does not end")
  }

  mutating func bytes() throws -> UnsafeRawBufferPointer {
    guard let count = Int(exactly: try varint()) else { throw CaffeError("it is truncated") }
    return try take(count)
  }

  mutating func float() throws -> Float {
    let bits = try take(4).loadUnaligned(as: UInt32.self)
    return Float(bitPattern: UInt32(littleEndian: bits))
  }

  mutating func skip(_ type: FieldType) throws {
    switch type {
    case .varint: _ = try varint()
    case .fixed64: _ = try take(8)
    case .bytes: _ = try bytes()
    case .fixed32: _ = try take(4)
    }
  }

  private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
    guard count <= rest.count else { throw CaffeError("it is truncated") }
    defer { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
    return UnsafeRawBufferPointer(rebasing: rest[..<count])
  }
}
