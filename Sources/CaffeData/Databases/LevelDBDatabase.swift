import CLevelDB
import CaffeErrors
import Foundation

/// A LevelDB database, read in the order of its keys and never written to.
///
/// Any number may be open on one folder, also beside a program that holds its lock: each reads a
/// `LevelDBView` of its own.
///
/// Source: BVLC Caffe, `db_leveldb.cpp`; the LevelDB 1.23 documentation.
package final class LevelDBDatabase: RecordDatabase, @unchecked Sendable {
  // LevelDB lets threads share a database; `counted` is guarded by `lock`.

  /// The file that every LevelDB database has.
  static let mark = "CURRENT"

  package let path: String
  private let store: LevelDBStore
  private let keys = LazyKeyIndex()
  private let lock = NSLock()
  private var counted: Int?

  /// Opens a database where the program wants it read: see `ReaderProcess`.
  package static func open(_ path: String) throws -> any RecordDatabase {
    ReaderProcess.isUsed ? try RemoteDatabase(levelDB: path) : try LevelDBDatabase(path)
  }

  /// Opens the folder `path` that holds the file `CURRENT`, in this process.
  package convenience init(_ path: String) throws {
    try self.init(path, withPlace(path) { try LevelDBView(of: path) })
  }

  /// - Parameter view: of the folder `path`.
  init(_ path: String, _ view: LevelDBView) throws {
    self.path = path
    store = try withPlace(path) { try LevelDBStore(view) }
    guard try makeCursor().next({ _ in }) != nil else {
      throw CaffeError("this LevelDB database is empty", places: [path])
    }
  }

  /// LevelDB keeps no count: the first call reads all records.
  package var count: Int {
    get throws {
      try lock.withLock {
        if let counted { return counted }
        let cursor = try makeCursor()
        var count = 0
        while try cursor.next({ _ in }) != nil { count += 1 }
        counted = count
        return count
      }
    }
  }

  package func makeCursor() throws -> any RecordCursor {
    try withPlace(path) { try LevelDBCursor(path, store) }
  }

  package func makeRandomCursor() throws -> any RecordCursor {
    let keys = try keys.get(makeCursor)
    lock.withLock { counted = keys.count }
    return try withPlace(path) { try LevelDBCursor(path, store, keys) }
  }
}

/// A reading position in a LevelDB database.
private final class LevelDBCursor: RecordCursor {
  private let path: String
  private let store: LevelDBStore
  private let iterator: OpaquePointer
  private let keys: KeyIndex?
  /// Whether the iterator stands at the record that `next` gave, and not before it.
  private var hasGiven = false

  init(_ path: String, _ store: LevelDBStore, _ keys: KeyIndex? = nil) throws {
    self.path = path
    self.keys = keys
    self.store = store
    iterator = try store.makeIterator()
    leveldb_iter_seek_to_first(iterator)
  }

  deinit {
    leveldb_iter_destroy(iterator)
  }

  func next<Result>(_ body: (Record) throws -> Result) throws -> Result? {
    guard let record = try withPlace(path, { try advance() }) else { return nil }
    return try body(record)
  }

  private func advance() throws -> Record? {
    if hasGiven && leveldb_iter_valid(iterator) != 0 { leveldb_iter_next(iterator) }
    guard leveldb_iter_valid(iterator) != 0 else {
      // The end, unless a record could not be read.
      try store.attempt("cannot read the next record") { leveldb_iter_get_error(iterator, $0) }
      return nil
    }
    hasGiven = true
    var (keySize, valueSize) = (0, 0)
    let key = leveldb_iter_key(iterator, &keySize)
    let value = leveldb_iter_value(iterator, &valueSize)
    return Record(
      key: UnsafeRawBufferPointer(start: key, count: keySize),
      value: UnsafeRawBufferPointer(start: value, count: valueSize))
  }

  func seek(to index: Int) throws {
    precondition(index >= 0, "record \(index)")
    hasGiven = false
    if let keys {
      return keys.withKey(at: index) {
        leveldb_iter_seek(iterator, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
      }
    }
    leveldb_iter_seek_to_first(iterator)
    try withPlace(path) {
      for _ in 0..<index where try advance() == nil {
        throw CaffeError("there is no record \(index)")
      }
    }
  }
}
