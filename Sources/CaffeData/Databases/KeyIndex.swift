import Foundation

/// All keys of a database in their order, in one block of memory: the way to any record.
struct KeyIndex: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  var count: Int { ends.count }

  /// Reads every key from where the cursor stands.
  init(_ cursor: any RecordCursor) throws {
    while let end = try cursor.next({ record in
      bytes += record.key
      return bytes.count
    }) {
      ends.append(end)
    }
  }

  /// Lets `body` see the key of the record at `index`.
  func withKey<Result>(
    at index: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    let start = index == 0 ? 0 : ends[index - 1]
    return try bytes.withUnsafeBytes {
      try body(UnsafeRawBufferPointer(rebasing: $0[start..<ends[index]]))
    }
  }
}

/// A key index that is made when first asked for.
final class LazyKeyIndex: @unchecked Sendable {  // `index` is guarded by `lock`
  private let lock = NSLock()
  private var index: KeyIndex?

  /// - Parameter makeCursor: gives a cursor before the first record.
  func get(_ makeCursor: () throws -> any RecordCursor) throws -> KeyIndex {
    try lock.withLock {
      if let index { return index }
      let made = try KeyIndex(makeCursor())
      index = made
      return made
    }
  }
}
