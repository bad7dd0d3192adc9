/// Where the tools put records: a new database, written in full or not at all.
package protocol RecordWriter: AnyObject {
  /// How many records have been put.
  var count: Int { get }
  /// Adds a record. Keys are unique, in any order; records are read in the order of their bytes.
  func put(key: String, value: [UInt8]) throws
}

/// The kinds of databases that the tools write, named as in Caffe's flag `--backend`.
package enum WritableDatabase: String, Sendable, CaseIterable {
  case lmdb
  case leveldb

  /// Creates the database `path`, which must not exist, from what `body` puts; on any failure
  /// nothing is left.
  package func create(_ path: String, _ body: (any RecordWriter) throws -> Void) throws {
    switch self {
    case .lmdb: try LMDBWriter.create(path) { try body($0) }
    case .leveldb: try LevelDBWriter.create(path) { try body($0) }
    }
  }
}
