import CaffeErrors
import Foundation
import Glibc

/// A file or folder that is complete on the disk under a temporary name beside the one it is meant for.
/// If nobody commits it, it goes with this object.
package final class PreparedFile {
  private let path: String
  private let folder: String
  private let target: String
  private let temporary: String
  private var isPending = true

  /// Lets `body` make it. What killed processes left of the same name goes.
  ///
  /// - Throws: what `body` throws, with `path` in place of the temporary name.
  init(_ path: String, _ body: (_ temporary: String) throws -> Void) throws {
    let url = URL(fileURLWithPath: path)
    let name = url.lastPathComponent
    self.path = path
    folder = url.deletingLastPathComponent().path
    target = url.path
    TemporaryFiles.removeLeftovers(of: name, in: folder)
    temporary = TemporaryFiles.path(for: name, in: folder)
    // A failure releases this object, which is whole already, and so removes the file.
    try named { try body(temporary) }
  }

  deinit {
    if isPending { TemporaryFiles.remove(temporary) }
  }

  /// Gives it its name, replacing what had it, and waits until the disk knows.
  package func commit() throws {
    try rename()
    try synchronize()
  }

  /// Gives two files of one folder their names, `first` first. If `second` cannot get its own, `first`
  /// gives way to what it replaced; if it cannot even do that, the older second file goes, so that
  /// nobody takes the two for a pair.
  package static func commit(_ first: PreparedFile, then second: PreparedFile) throws {
    let name = URL(fileURLWithPath: first.target).lastPathComponent
    let former = TemporaryFiles.path(for: name, in: first.folder)
    // There may be none, and some file systems have no second names.
    let isKept = link(first.target, former) == 0
    defer { TemporaryFiles.remove(former) }
    try first.rename()
    do {
      // Not every file system keeps the order of two renamings.
      try first.synchronize()
      try second.rename()
    } catch {
      if !isKept || Glibc.rename(former, first.target) != 0 { unlink(second.target) }
      throw error
    }
    try second.synchronize()
  }

  private func rename() throws {
    try named {
      guard Glibc.rename(temporary, target) == 0 else { throw CaffeError(SystemFile.reason) }
    }
    isPending = false
    TemporaryFiles.forget(temporary)
  }

  private func synchronize() throws {
    try named { try SystemFile(reading: folder).synchronize() }
  }

  /// Errors leave `body` with the path in place of the temporary name.
  private func named(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as CaffeError {
      throw CaffeError(error.message, places: [path] + error.places.filter { $0 != temporary })
    } catch {
      throw CaffeError("\(error)", places: [path])
    }
  }
}
