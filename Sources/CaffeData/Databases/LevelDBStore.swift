import CLevelDB
import CaffeErrors
import Foundation

/// An open LevelDB database, closed when the last cursor lets go of it.
final class LevelDBStore: @unchecked Sendable {  // LevelDB lets threads share a database
  private let view: LevelDBView
  private let options: OpaquePointer
  private let handle: OpaquePointer

  init(_ view: LevelDBView) throws {
    guard let options = leveldb_options_create() else { throw LevelDB.outOfMemory }
    leveldb_options_set_create_if_missing(options, 0)
    leveldb_options_set_paranoid_checks(options, 1)
    // As Caffe: enough for a scan, few enough for a large database.
    leveldb_options_set_max_open_files(options, 100)
    do {
      let failed = "cannot open this LevelDB database"
      let handle = try LevelDB.attempt(failed, in: view.path) {
        leveldb_open(options, view.path, $0)
      }
      guard let handle else { throw CaffeError(failed) }
      self.handle = handle
    } catch {
      leveldb_options_destroy(options)
      throw error
    }
    self.view = view
    self.options = options
  }

  deinit {
    leveldb_close(handle)
    leveldb_options_destroy(options)
  }

  /// A position in the database, to be destroyed before the store goes.
  func makeIterator() throws -> OpaquePointer {
    guard let options = leveldb_readoptions_create() else { throw LevelDB.outOfMemory }
    defer { leveldb_readoptions_destroy(options) }
    leveldb_readoptions_set_verify_checksums(options, 1)
    // A scan needs no block twice.
    leveldb_readoptions_set_fill_cache(options, 0)
    guard let iterator = leveldb_create_iterator(handle, options) else {
      throw CaffeError("cannot open a cursor")
    }
    return iterator
  }

  /// Makes a call of LevelDB that may report an error; throws what failed and LevelDB's reason.
  func attempt(_ failed: String, _ call: (LevelDB.ErrorSlot) -> Void) throws {
    try LevelDB.attempt(failed, in: view.path, call)
  }
}

/// A temporary folder that LevelDB may treat as its own, in place of the user's database.
///
/// Opening a LevelDB writes: it replays the log, begins a new one, removes old files. Tables, which
/// are nearly all of a database, never change once written; the view links to them, so that removing
/// one removes a link. What does change (the log, the list of tables) is small and copied.
final class LevelDBView {
  let path: String
  private let isOurs: Bool

  /// One that another process has made, and will remove.
  init(madeElsewhere path: String) {
    self.path = path
    isOurs = false
  }

  init(of original: String) throws {
    isOurs = true
    let files = FileManager.default
    var isFolder: ObjCBool = false
    guard files.fileExists(atPath: original, isDirectory: &isFolder) else {
      throw CaffeError("No such file or directory")
    }
    let mark = LevelDBDatabase.mark
    guard isFolder.boolValue, files.fileExists(atPath: "\(original)/\(mark)") else {
      throw CaffeError("this is not a LevelDB database: a folder with \(mark)")
    }
    let (folder, name) = (files.temporaryDirectory.path, "caffe-swift-leveldb")
    TemporaryFiles.removeLeftovers(of: name, in: folder)
    path = TemporaryFiles.path(for: name, in: folder)
    do {
      try files.createDirectory(atPath: path, withIntermediateDirectories: true)
      try Self.fill(path, from: URL(fileURLWithPath: original).path)
    } catch {
      TemporaryFiles.remove(path)
      throw CaffeError(
        "cannot make a view of this LevelDB database in \(path): \(error.localizedDescription)")
    }
  }

  deinit {
    if isOurs { TemporaryFiles.remove(path) }
  }

  private static func fill(_ path: String, from original: String) throws {
    let files = FileManager.default
    for name in try files.contentsOfDirectory(atPath: original) {
      let (source, target) = ("\(original)/\(name)", "\(path)/\(name)")
      switch (name as NSString).pathExtension {
      case "ldb", "sst": try files.createSymbolicLink(atPath: target, withDestinationPath: source)
      case "log": try files.copyItem(atPath: source, toPath: target)
      default:
        if name == "CURRENT" || name.hasPrefix("MANIFEST-") {
          try files.copyItem(atPath: source, toPath: target)
        }
      }
    }
  }
}
