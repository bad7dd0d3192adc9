import CLMDB
import CaffeErrors

/// Writes a new LMDB database, as Caffe's tools do: a commit every 1000 records, and a map that
/// doubles whenever it is full.
///
/// Source: BVLC Caffe, `db_lmdb.cpp`.
package final class LMDBWriter: RecordWriter {
  /// How many records a transaction holds; also how many are written again after the map grew.
  private static let recordsPerCommit = 1000
  private static let longestKey = 511

  private let environment: OpaquePointer
  private var transaction: OpaquePointer?
  private var table: MDB_dbi?
  private var pending: [(key: [UInt8], value: [UInt8])] = []
  private var mapSize: Int
  package private(set) var count = 0

  /// Creates the database `path`, which must not exist, from what `body` puts; on any failure
  /// nothing is left.
  ///
  /// - Parameter mapSize: the first size of the map, in bytes.
  package static func create(
    _ path: String, mapSize: Int = 64 << 20, _ body: (LMDBWriter) throws -> Void
  ) throws {
    try AtomicFile.createFolder(path) { temporary in
      let writer = try LMDBWriter(temporary, mapSize)
      try body(writer)
      try writer.finish()
    }
  }

  private init(_ path: String, _ mapSize: Int) throws {
    self.mapSize = mapSize
    // Nobody else knows this folder, and `finish` brings it to the disk.
    environment = try LMDB.openEnvironment(path, UInt32(MDB_NOLOCK | MDB_NOSYNC))
    try LMDB.check(mdb_env_set_mapsize(environment, mapSize), "cannot set the size of the map")
  }

  deinit {
    mdb_txn_abort(transaction)
    mdb_env_close(environment)
  }

  /// Adds a record. Keys are unique and have 1 to 511 bytes.
  package func put(key: String, value: [UInt8]) throws {
    let bytes = Array(key.utf8)
    guard (1...Self.longestKey).contains(bytes.count) else {
      throw CaffeError(
        "an LMDB key has 1 to \(Self.longestKey) bytes, '\(key)' has \(bytes.count)")
    }
    pending.append((bytes, value))
    if try !insert(bytes, value) { try growAndRepeat() }
    count += 1
    if pending.count == Self.recordsPerCommit { try commit() }
  }

  private func finish() throws {
    try commit()
    try LMDB.check(mdb_env_sync(environment, 1), "cannot write the records to the disk")
  }

  /// Commits what is pending.
  private func commit() throws {
    while let current = transaction {
      transaction = nil  // a failed commit ends it as well
      if try !fits(mdb_txn_commit(current), "cannot commit \(pending.count) records") {
        try growAndRepeat()
      }
    }
    pending.removeAll(keepingCapacity: true)
  }

  /// Doubles the map, for which the transaction must end, until the pending records fit.
  private func growAndRepeat() throws {
    var allFit: Bool
    repeat {
      mdb_txn_abort(transaction)
      transaction = nil
      let (size, overflow) = mapSize.multipliedReportingOverflow(by: 2)
      guard !overflow else { throw CaffeError("the records are more than a map can hold") }
      mapSize = size
      try LMDB.check(mdb_env_set_mapsize(environment, size), "cannot grow the map to \(size)")
      allFit = try pending.allSatisfy { try insert($0.key, $0.value) }
    } while !allFit
  }

  /// Puts one record into the transaction; false if the map is full.
  private func insert(_ key: [UInt8], _ value: [UInt8]) throws -> Bool {
    let current = try transaction ?? LMDB.begin(environment, 0)
    transaction = current
    let table = try table ?? LMDB.openTable(current)
    self.table = table
    return try key.withUnsafeBytes { keyBytes in
      try value.withUnsafeBytes { valueBytes in
        var key = MDB_val(keyBytes)
        var value = MDB_val(valueBytes)
        let status = mdb_put(current, table, &key, &value, UInt32(MDB_NOOVERWRITE))
        guard status != MDB_KEYEXIST else {
          throw CaffeError(
            "two records have the key '\(String(decoding: keyBytes, as: UTF8.self))'")
        }
        return try fits(status, "cannot write record \(count)")
      }
    }
  }

  private func fits(_ status: Int32, _ failed: @autoclosure () -> String) throws -> Bool {
    if status == MDB_MAP_FULL { return false }
    try LMDB.check(status, failed())
    return true
  }
}
