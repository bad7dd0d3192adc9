import CaffeErrors
import CaffeInspect
import CaffeTestSupport
import Testing

/// The bytes of TensorBoard's files; `TensorBoardTests` lets the package itself read them.
@Suite struct EventFileTests {
  /// Check values of CRC-32C: RFC 3720, B.4, and the usual "123456789".
  @Test(
    arguments: [
      (Array("123456789".utf8), 0xE306_9283), (Array(repeating: 0, count: 32), 0x8A91_36AA),
      (Array(repeating: 0xFF, count: 32), 0x62A8_AB43), (Array(0...31), 0x46DD_794E), ([], 0),
    ] as [([UInt8], UInt32)])
  func checksumsAreCastagnolis(bytes: [UInt8], expected: UInt32) {
    #expect(CRC32C.checksum(bytes) == expected)
  }

  /// Examples of the protobuf encoding: 150 in field 1, "testing" in field 2.
  @Test func fieldsAreThoseOfProtobuf() {
    var message = WireMessage()
    message.add(1, 150)
    message.add(2, "testing")
    message.add(3, Float(1))
    message.add(20, [1.0])
    #expect(
      message.bytes == [0x08, 0x96, 0x01, 0x12, 0x07] + Array("testing".utf8)
        + [0x1D, 0, 0, 0x80, 0x3F, 0xA2, 0x01, 8, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
    var negative = WireMessage()
    negative.add(1, -1)
    #expect(negative.bytes == [0x08] + Array(repeating: 0xFF, count: 9) + [0x01])
  }

  @Test func recordsCarryTheirLengthAndChecks() throws {
    let folder = try TemporaryFolder()
    let file = try EventFile(in: folder("a/b"))
    try file.write(step: 3, [(tag: "x", value: .scalar(2))])
    try file.write(step: 4, [])
    var bytes = try folder.read(String(file.path.dropFirst(folder.path.count + 1)))
    var lengths: [Int] = []
    while bytes.count >= 12 {
      let length = bytes[..<8].enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
      lengths.append(length)
      #expect(Array(bytes[8..<12]) == WireMessage.littleEndian(CRC32C.masked(Array(bytes[..<8]))))
      let content = Array(bytes[12..<12 + length])
      #expect(
        Array(bytes[12 + length..<16 + length]) == WireMessage.littleEndian(CRC32C.masked(content)))
      bytes = Array(bytes.dropFirst(16 + length))
    }
    // Time (9), step (2), then "brain.Event:2" (15) or a summary of one value (12).
    #expect(lengths == [26, 23] && bytes.isEmpty)
    #expect(refusal { _ = try EventFile(in: "/dev/null/x") }.contains("/dev/null/x"))
  }

  @Test func histogramsCountEveryFiniteValue() {
    let histogram = Histogram([0, 0.1, 15, 30, .nan, .infinity])
    #expect(histogram.counts.count == 30 && histogram.counts[0] == 2 && histogram.counts[15] == 1)
    #expect(histogram.counts[29] == 1 && histogram.limits[29] == 30 && histogram.limits[0] == 1)
    #expect(Histogram([2, 2]).counts == [2] && Histogram([2, 2]).limits == [3])
    #expect(Histogram([.nan]).counts == [0])
  }
}
