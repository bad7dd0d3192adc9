import CLMDB
import CaffeErrors

/// An LMDB database, read as Caffe does: without writing, in the order of the keys.
///
/// Source: BVLC Caffe, `db_lmdb.cpp`; the LMDB 0.9 documentation.
package final class LMDBDatabase: RecordDatabase {
  /// The file that every LMDB database has.
  static let mark = "data.mdb"

  package let path: String
  package let count: Int
  private let environment: LMDBEnvironment
  private let keys = LazyKeyIndex()

  /// Opens a database where the program wants it read: see `ReaderProcess`.
  package static func open(_ path: String) throws -> any RecordDatabase {
    ReaderProcess.isUsed ? try RemoteDatabase(lmdb: path) : try LMDBDatabase(path)
  }

  /// Opens the folder `path` that holds `data.mdb`, in this process.
  package init(_ path: String) throws {
    self.path = path
    environment = try withPlace(path) { try LMDBEnvironment.acquire(path) }
    do {
      count = try Self.count(environment)
      guard count > 0 else { throw CaffeError("this LMDB database is empty") }
    } catch let error as CaffeError {
      environment.release()
      throw error.within(path)
    }
  }

  deinit {
    environment.release()
  }

  package func makeCursor() throws -> any RecordCursor {
    try withPlace(path) { try LMDBCursor(self, environment) }
  }

  package func makeRandomCursor() throws -> any RecordCursor {
    let keys = try keys.get(makeCursor)
    guard keys.count == count else {
      throw CaffeError(
        "the header promises \(count) records, but there are \(keys.count)", places: [path])
    }
    return try withPlace(path) { try LMDBCursor(self, environment, keys) }
  }

  private static func count(_ environment: LMDBEnvironment) throws -> Int {
    let transaction = try LMDB.begin(environment.handle, UInt32(MDB_RDONLY))
    defer { mdb_txn_abort(transaction) }
    var statistics = MDB_stat()
    let table = try LMDB.openTable(transaction)
    try LMDB.check(mdb_stat(transaction, table, &statistics), "cannot count the records")
    return statistics.ms_entries
  }
}

/// A reading position in an LMDB database; reads the state it had when the cursor was made.
private final class LMDBCursor: RecordCursor {
  private let database: LMDBDatabase
  private let largest: Int
  private let transaction: OpaquePointer
  private let cursor: OpaquePointer
  private let keys: KeyIndex?
  /// The step that `next` takes.
  private var step = MDB_FIRST

  init(
    _ database: LMDBDatabase, _ environment: LMDBEnvironment, _ keys: KeyIndex? = nil
  ) throws {
    self.database = database
    self.keys = keys
    largest = environment.fileSize
    transaction = try LMDB.begin(environment.handle, UInt32(MDB_RDONLY))
    do {
      var cursor: OpaquePointer?
      let table = try LMDB.openTable(transaction)
      try LMDB.check(mdb_cursor_open(transaction, table, &cursor), "cannot open a cursor")
      guard let cursor else { throw CaffeError("cannot open a cursor") }
      self.cursor = cursor
    } catch {
      mdb_txn_abort(transaction)
      throw error
    }
  }

  deinit {
    mdb_cursor_close(cursor)
    mdb_txn_abort(transaction)
  }

  func next<Result>(_ body: (Record) throws -> Result) throws -> Result? {
    guard let record = try withPlace(database.path, { try advance() }) else { return nil }
    return try body(record)
  }

  private func advance() throws -> Record? {
    var key = MDB_val()
    var value = MDB_val()
    let status = mdb_cursor_get(cursor, &key, &value, step)
    guard status != MDB_NOTFOUND else { return nil }
    try LMDB.check(status, "cannot read the next record")
    step = MDB_NEXT
    guard (0...largest).contains(key.mv_size), (0...largest).contains(value.mv_size) else {
      throw CaffeError("a record claims \(value.mv_size) bytes in a file of \(largest)")
    }
    return Record(
      key: UnsafeRawBufferPointer(start: key.mv_data, count: key.mv_size),
      value: UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size))
  }

  func seek(to index: Int) throws {
    precondition((0..<database.count).contains(index), "record \(index) of \(database.count)")
    try withPlace(database.path) {
      if let keys { return try keys.withKey(at: index, find) }
      step = MDB_FIRST
      for _ in 0..<index { _ = try advance() }
    }
  }

  private func find(_ bytes: UnsafeRawBufferPointer) throws {
    var key = MDB_val(bytes)
    var value = MDB_val()
    try LMDB.check(
      mdb_cursor_get(cursor, &key, &value, MDB_SET_KEY),
      "cannot find the record '\(String(decoding: bytes, as: UTF8.self))'")
    step = MDB_GET_CURRENT
  }
}
