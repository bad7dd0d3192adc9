import CaffeErrors
import CaffeSchema
import Testing

struct DatumRecordTests {
  private func record(_ bytes: [UInt8]) throws -> DatumRecord {
    try bytes.withUnsafeBytes { try DatumRecord(binary: $0) }
  }

  @Test func agreesWithTheMessage() throws {
    var datum = Datum()
    (datum.channels, datum.height, datum.width, datum.label) = (1, 2, 3, -7)
    datum.data = [0, 1, 2, 253, 254, 255]
    datum.floatData = [0.5, -1]
    datum.encoded = true
    let record = try record(datum.binary())
    #expect([record.channels, record.height, record.width, record.label] == [1, 2, 3, -7])
    #expect(record.data == datum.data)
    #expect(record.floatData == datum.floatData)
    #expect(record.encoded)
  }

  @Test func emptyAndDamagedRecords() throws {
    #expect(try record([]).data.isEmpty)
    let error = #expect(throws: CaffeError.self) { try record([0x22, 9, 1]) }
    #expect(error?.description == "not a Datum, or a truncated one (3 bytes)")
  }
}
