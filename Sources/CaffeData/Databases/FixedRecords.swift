import CaffeErrors
import CaffeSchema
import Foundation

/// Images of one size and their labels in memory, read as a database of Datums: what files of fixed
/// records (idx, CIFAR) become. Record `i` has the key `i` in decimal digits.
package class FixedRecords: RecordDatabase, @unchecked Sendable {  // nothing changes after `init`
  package let path: String
  package let count: Int
  private let keyDigits: Int
  private let extents: DataTransformer.Extents
  private let pixels: [UInt8]
  private let labels: [UInt8]

  /// - Parameters:
  ///   - keyDigits: how many digits a key has at least.
  ///   - pixels: image after image, each channel by channel.
  init(
    path: String, keyDigits: Int, extents: DataTransformer.Extents, pixels: [UInt8],
    labels: [UInt8]
  ) {
    precondition(
      pixels.count == labels.count * extents.count,
      "\(pixels.count) bytes for \(labels.count) images of \(extents)")
    self.path = path
    self.keyDigits = keyDigits
    self.extents = extents
    self.pixels = pixels
    self.labels = labels
    count = labels.count
  }

  package func makeCursor() throws -> any RecordCursor { FixedRecordCursor(self) }
  package func makeRandomCursor() throws -> any RecordCursor { FixedRecordCursor(self) }

  fileprivate func key(_ index: Int) -> [UInt8] {
    Array(String(format: "%0\(keyDigits)d", index).utf8)
  }

  fileprivate func value(_ index: Int) throws -> [UInt8] {
    var datum = Datum()
    datum.channels = extents.channels
    datum.height = extents.height
    datum.width = extents.width
    datum.data = Array(pixels[index * extents.count..<(index + 1) * extents.count])
    datum.label = Int(labels[index])
    return try datum.binary()
  }
}

/// A reading position in records in memory.
private final class FixedRecordCursor: RecordCursor {
  private let records: FixedRecords
  private var index = 0

  init(_ records: FixedRecords) { self.records = records }

  func next<Result>(_ body: (Record) throws -> Result) throws -> Result? {
    guard index < records.count else { return nil }
    let (key, value) = (records.key(index), try records.value(index))
    index += 1
    return try key.withUnsafeBytes { key in
      try value.withUnsafeBytes { try body(Record(key: key, value: $0)) }
    }
  }

  func seek(to index: Int) {
    precondition((0..<records.count).contains(index), "record \(index) of \(records.count)")
    self.index = index
  }
}
