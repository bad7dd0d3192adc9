import CaffeErrors
import Foundation

/// Writes files that are there in full or not at all, whatever happens meanwhile.
package enum AtomicFile {
  /// Lets `body` write a file under a temporary name in the same folder, flushes it to the disk and
  /// gives it the name `path`, replacing what had it.
  ///
  /// - Throws: what `body` throws, or the system's reason, naming `path`; the temporary file is gone
  ///   then and an older file at `path` is as it was.
  package static func write(_ path: String, _ body: (_ temporary: String) throws -> Void) throws {
    try replace(path) { temporary in
      try body(temporary)
      try synchronize(temporary)
    }
  }

  /// Writes `bytes` to `path`, in full or not at all.
  package static func write(_ path: String, _ bytes: UnsafeRawBufferPointer) throws {
    try replace(path) { temporary in
      let file = try SystemFile(creating: temporary)
      try file.write(bytes)
      try file.synchronize()
    }
  }

  /// Writes `text` as UTF-8 to `path`, in full or not at all.
  package static func write(_ path: String, text: String) throws {
    try Array(text.utf8).withUnsafeBytes { try write(path, $0) }
  }

  /// Lets `body` make a new folder with its files under a temporary name beside `path`, which must
  /// not exist, and gives it that name.
  static func createFolder(
    _ path: String, _ body: (_ temporary: String) throws -> Void
  ) throws {
    try checkIsNew(path)
    try replace(path) { temporary in
      guard mkdir(temporary, 0o777) == 0 else { throw CaffeError(SystemFile.reason) }
      try body(temporary)
      try synchronize(temporary)
    }
  }

  /// - Throws: if there is anything at `path`.
  package static func checkIsNew(_ path: String) throws {
    guard !FileManager.default.fileExists(atPath: path) else {
      throw CaffeError("this exists already; choose another name or remove it", places: [path])
    }
  }

  /// Runs `body` with a temporary name beside `path` and renames what it made. Its errors leave
  /// with `path` in place of the temporary name. What killed processes left of the same file goes.
  private static func replace(_ path: String, _ body: (String) throws -> Void) throws {
    let target = URL(fileURLWithPath: path)
    let folder = target.deletingLastPathComponent().path
    // Process numbers mean nothing on other machines that share the folder.
    let stem = ".\(target.lastPathComponent).\(Host.name)."
    let temporary = "\(folder)/\(stem)\(getpid()).\(UUID().uuidString.prefix(8))"
    removeLeftovers(of: stem, in: folder)
    do {
      try body(temporary)
      guard rename(temporary, target.path) == 0 else { throw CaffeError(SystemFile.reason) }
      try synchronize(folder)
    } catch {
      try? FileManager.default.removeItem(atPath: temporary)
      guard let error = error as? CaffeError else {
        throw CaffeError("\(error)", places: [path])
      }
      let inner = error.places.filter { $0 != temporary }
      throw CaffeError(error.message, places: [path] + inner)
    }
  }

  /// Removes the temporary files `<stem><process>.<random>` whose process is no more.
  private static func removeLeftovers(of stem: String, in folder: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names where name.hasPrefix(stem) {
      let fields = name.dropFirst(stem.count).split(separator: ".")
      guard fields.count == 2, let process = pid_t(fields[0]), process > 0 else { continue }
      guard kill(process, 0) != 0, errno == ESRCH else { continue }
      try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
    }
  }

  private static func synchronize(_ path: String) throws {
    try SystemFile(reading: path).synchronize()
  }
}
