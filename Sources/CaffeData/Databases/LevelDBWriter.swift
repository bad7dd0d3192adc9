import CLevelDB
import CaffeErrors

/// Writes a new LevelDB database, as Caffe's tools do: batches of 1000 records, blocks of 64 KiB.
///
/// Unlike Caffe it keeps at most 8 MiB in the log: whoever opens the database reads that again.
///
/// Source: BVLC Caffe, `db_leveldb.cpp`; the LevelDB 1.23 documentation.
package final class LevelDBWriter: RecordWriter {
  private static let recordsPerBatch = 1000
  private static let blockBytes = 64 << 10
  private static let bufferBytes = 8 << 20

  private let path: String
  private let options: OpaquePointer
  private let handle: OpaquePointer
  private let batch: OpaquePointer
  private var pending = 0
  /// The largest key put: a larger one is new, any other must be looked up.
  private var largest: [UInt8] = []
  package private(set) var count = 0

  /// Creates the database `path`, which must not exist, from what `body` puts; on any failure
  /// nothing is left.
  package static func create(_ path: String, _ body: (LevelDBWriter) throws -> Void) throws {
    try AtomicFile.createFolder(path) { temporary in
      let writer = try LevelDBWriter(temporary)
      try body(writer)
      try writer.write(isLast: true)
    }
  }

  private init(_ path: String) throws {
    guard let batch = leveldb_writebatch_create() else { throw LevelDB.outOfMemory }
    guard let options = leveldb_options_create() else {
      leveldb_writebatch_destroy(batch)
      throw LevelDB.outOfMemory
    }
    leveldb_options_set_create_if_missing(options, 1)
    leveldb_options_set_error_if_exists(options, 1)
    leveldb_options_set_block_size(options, Self.blockBytes)
    leveldb_options_set_write_buffer_size(options, Self.bufferBytes)
    do {
      let failed = "cannot create this LevelDB database"
      let handle = try LevelDB.attempt(failed, in: path) { leveldb_open(options, path, $0) }
      guard let handle else { throw CaffeError(failed) }
      self.handle = handle
    } catch {
      leveldb_options_destroy(options)
      leveldb_writebatch_destroy(batch)
      throw error
    }
    self.path = path
    self.options = options
    self.batch = batch
  }

  deinit {
    leveldb_close(handle)
    leveldb_options_destroy(options)
    leveldb_writebatch_destroy(batch)
  }

  /// Adds a record. Keys are unique and have at least a byte.
  package func put(key: String, value: [UInt8]) throws {
    let bytes = Array(key.utf8)
    guard !bytes.isEmpty else { throw CaffeError("a record has an empty key") }
    if largest.lexicographicallyPrecedes(bytes) {
      largest = bytes
    } else if try contains(bytes) {
      throw CaffeError("two records have the key '\(key)'")
    }
    bytes.withUnsafeBytes { key in
      value.withUnsafeBytes { value in
        leveldb_writebatch_put(
          batch, key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count,
          value.baseAddress?.assumingMemoryBound(to: CChar.self), value.count)
      }
    }
    pending += 1
    count += 1
    if pending == Self.recordsPerBatch { try write() }
  }

  /// Whether a record of this key was put.
  private func contains(_ key: [UInt8]) throws -> Bool {
    try write()
    guard let options = leveldb_readoptions_create() else { throw LevelDB.outOfMemory }
    defer { leveldb_readoptions_destroy(options) }
    let value = try LevelDB.attempt("cannot look up a key", in: path) { error in
      var size = 0
      return key.withUnsafeBytes {
        leveldb_get(
          handle, options, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count, &size,
          error)
      }
    }
    leveldb_free(value)
    return value != nil
  }

  /// Hands what is pending to the database; the last time waits for the disk.
  private func write(isLast: Bool = false) throws {
    guard let options = leveldb_writeoptions_create() else { throw LevelDB.outOfMemory }
    defer { leveldb_writeoptions_destroy(options) }
    leveldb_writeoptions_set_sync(options, isLast ? 1 : 0)
    try LevelDB.attempt("cannot write \(pending) records", in: path) {
      leveldb_write(handle, options, batch, $0)
    }
    leveldb_writebatch_clear(batch)
    pending = 0
  }
}
