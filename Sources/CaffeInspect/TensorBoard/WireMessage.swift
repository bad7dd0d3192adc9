/// A protobuf message put together field by field, for formats of which we write a handful of fields.
package struct WireMessage {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func tag(_ field: Int, _ wireType: UInt64) {
    varint(UInt64(field) << 3 | wireType)
  }

  package mutating func add(_ field: Int, _ value: Int) {
    tag(field, 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  package mutating func add(_ field: Int, _ value: Double) {
    tag(field, 1)
    bytes += Self.littleEndian(value.bitPattern)
  }

  package mutating func add(_ field: Int, _ value: Float) {
    tag(field, 5)
    bytes += Self.littleEndian(value.bitPattern)
  }

  package mutating func add(_ field: Int, _ content: [UInt8]) {
    tag(field, 2)
    varint(UInt64(content.count))
    bytes += content
  }

  package mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }
  package mutating func add(_ field: Int, _ message: WireMessage) { add(field, message.bytes) }

  /// A packed repeated field of doubles.
  package mutating func add(_ field: Int, _ values: [Double]) {
    add(field, values.flatMap { Self.littleEndian($0.bitPattern) })
  }

  package static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
