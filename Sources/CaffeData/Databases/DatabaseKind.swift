import CaffeErrors
import CaffeSchema
import Foundation

/// The kinds of files that a Data layer reads, and how to tell them apart.
package enum DatabaseKind: String, Sendable, CaseIterable {
  case levelDB = "LEVELDB"
  case lmdb = "LMDB"
  /// MNIST's idx files; the path is that of the images.
  case idx = "IDX"
  /// CIFAR-10's binary files; the path may have `*` and `?`.
  case cifar = "CIFAR"

  /// What `backend` in a prototxt says.
  package init(_ backend: DataParameter.DB) {
    self =
      switch backend {
      case .leveldb: .levelDB
      case .lmdb: .lmdb
      case .idx: .idx
      case .cifar: .cifar
      }
  }

  /// Opens `path` as the kind of database that it is.
  package static func open(_ path: String) throws -> any RecordDatabase {
    guard let kind = allCases.first(where: { $0.isFound(at: path) }) else {
      guard FileManager.default.fileExists(atPath: path) else {
        throw CaffeError("No such file or directory", places: [path])
      }
      throw CaffeError(
        "this is neither a database (LMDB, LevelDB) nor a file of images (idx, CIFAR-10)",
        places: [path])
    }
    return try kind.openDatabase(path)
  }

  /// Opens `path` as this kind; as another one, with a remark to `report`, if that is what it is.
  package func open(_ path: String, report: (String) -> Void = { _ in }) throws
    -> any RecordDatabase
  {
    guard !isFound(at: path) else { return try openDatabase(path) }
    let found = Self.allCases.filter { $0.isFound(at: path) }
    guard found.count == 1 else { return try openDatabase(path) }
    report("\(path) is a database of backend \(found[0].rawValue), not \(rawValue); it is read so")
    return try found[0].openDatabase(path)
  }

  private func isFound(at path: String) -> Bool {
    switch self {
    case .levelDB: FileManager.default.fileExists(atPath: "\(path)/\(LevelDBDatabase.mark)")
    case .lmdb: FileManager.default.fileExists(atPath: "\(path)/\(LMDBDatabase.mark)")
    case .idx: IDXDatabase.isFound(at: path)
    case .cifar: CIFARDatabase.isFound(at: path)
    }
  }

  private func openDatabase(_ path: String) throws -> any RecordDatabase {
    switch self {
    case .levelDB: try LevelDBDatabase.open(path)
    case .lmdb: try LMDBDatabase.open(path)
    case .idx: try IDXDatabase(path)
    case .cifar: try CIFARDatabase(path)
    }
  }
}
