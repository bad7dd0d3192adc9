import CaffeErrors
import CaffeSchema
import Foundation

/// The logs of a LevelDB: batches of changes that are in no table yet, each change with a number.
///
/// LevelDB replays them when it opens a database. It takes for granted that numbers rise and fit into
/// 56 bits; Debian's library ends the process otherwise. So they are looked at before.
///
/// Source: `log_reader.cc`, `write_batch.cc` and `memtable.cc` of LevelDB 1.23.
enum LevelDBLog {
  private static let blockSize = 1 << 15
  /// Checksum, length, type.
  private static let headerSize = 7
  /// Number of the first change, number of changes.
  private static let batchHeaderSize = 12
  /// Half of what fits, so that a batch with more changes than it says does not come to the end either.
  private static let largestNumber: UInt64 = 1 << 55

  /// Looks at all logs in a folder that nobody else writes to.
  static func check(folder: String) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    where (name as NSString).pathExtension == "log" {
      try withPlace(name) {
        try FileBytes.withBytes(of: "\(folder)/\(name)", limit: .max, check)
      }
    }
  }

  /// Goes on until LevelDB would stop, whose reader this follows but for the checksums: what they are to
  /// tell, LevelDB tells itself.
  private static func check(_ bytes: UnsafeRawBufferPointer) throws {
    var place = 0
    // The number of the next change at the least.
    var least: UInt64 = 0
    // The beginning of a batch of several pieces.
    var start: [UInt8]?
    while place < bytes.count {
      let blockEnd = min((place / blockSize + 1) * blockSize, bytes.count)
      guard blockEnd - place >= headerSize else {
        place = blockEnd
        continue
      }
      let length = Int(bytes[place + 4]) | Int(bytes[place + 5]) << 8
      let piece = Piece(rawValue: bytes[place + 6])
      place += headerSize
      guard let piece, place + length <= blockEnd else { return }
      let content = bytes[place..<min(place + length, place + batchHeaderSize)]
      place += length
      switch piece {
      case .whole:
        try check(batch: Array(content), &least)
      case .first:
        start = Array(content)
      case .middle, .last:
        guard let begun = start else { return }
        start = Array((begun + content).prefix(batchHeaderSize))
        if piece == .last { try check(batch: start ?? [], &least) }
      case .none:
        guard length == 0 else { return }
        place = blockEnd
      }
    }
  }

  private enum Piece: UInt8 {
    /// Room that was never written; the next block goes on.
    case none
    case whole
    case first
    case middle
    case last
  }

  /// - Parameter header: the first bytes of a batch.
  private static func check(batch header: [UInt8], _ least: inout UInt64) throws {
    guard header.count == batchHeaderSize else { return }
    let number = header.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    let count = header.withUnsafeBytes {
      UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
    }
    guard number >= least, number <= largestNumber else {
      throw CaffeError("the log is damaged: change \(number) comes where \(least) is due")
    }
    least = number + UInt64(count)
  }
}
