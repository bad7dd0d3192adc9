import CaffeErrors
import CaffeSchema
import Foundation

/// The two kinds of databases that Caffe reads, and how to tell them apart.
package enum DatabaseKind: String, Sendable, CaseIterable {
  case levelDB = "LEVELDB"
  case lmdb = "LMDB"

  /// What `backend` in a prototxt says.
  package init(_ backend: DataParameter.DB) {
    self =
      switch backend {
      case .leveldb: .levelDB
      case .lmdb: .lmdb
      }
  }

  /// The file that every database of this kind has.
  var mark: String {
    switch self {
    case .levelDB: "CURRENT"
    case .lmdb: "data.mdb"
    }
  }

  /// Opens the folder `path` as this kind; as the other one, with a remark to `report`, if that is
  /// what it holds.
  package func open(_ path: String, report: (String) -> Void = { _ in }) throws
    -> any RecordDatabase
  {
    let found = Self.allCases.filter {
      FileManager.default.fileExists(atPath: "\(path)/\($0.mark)")
    }
    guard found.count == 1, found[0] != self else { return try openDatabase(path) }
    report("\(path) is a database of backend \(found[0].rawValue), not \(rawValue); it is read so")
    return try found[0].openDatabase(path)
  }

  private func openDatabase(_ path: String) throws -> any RecordDatabase {
    switch self {
    case .levelDB: try LevelDBDatabase(path)
    case .lmdb: try LMDBDatabase(path)
    }
  }
}
