import CaffeErrors
import Foundation

/// Writes files that are there in full or not at all, whatever happens meanwhile.
package enum AtomicFile {
  /// Lets `body` write a file under a temporary name in the same folder, flushes it to the disk and
  /// gives it the name `path`, replacing what had it.
  ///
  /// - Throws: what `body` throws, or the system's reason, naming `path`; the temporary file is gone
  ///   then and an older file at `path` is as it was, unless the disk would not tell that it has the
  ///   new name: the new file is complete then.
  package static func write(_ path: String, _ body: (_ temporary: String) throws -> Void) throws {
    try prepare(path, body).commit()
  }

  /// Writes `bytes` to `path`, in full or not at all.
  package static func write(_ path: String, _ bytes: UnsafeRawBufferPointer) throws {
    try prepare(path, bytes).commit()
  }

  /// The first half of `write`: the file is complete on the disk and waits for its name.
  package static func prepare(
    _ path: String, _ body: (_ temporary: String) throws -> Void
  ) throws -> PreparedFile {
    try PreparedFile(path) { temporary in
      try body(temporary)
      try SystemFile(reading: temporary).synchronize()
    }
  }

  /// The first half of `write`: the bytes are on the disk and wait for their name.
  package static func prepare(
    _ path: String, _ bytes: UnsafeRawBufferPointer
  ) throws -> PreparedFile {
    try PreparedFile(path) { temporary in
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
    try PreparedFile(path) { temporary in
      guard mkdir(temporary, 0o777) == 0 else { throw CaffeError(SystemFile.reason) }
      try body(temporary)
      try SystemFile(reading: temporary).synchronize()
    }.commit()
  }

  /// - Throws: if there is anything at `path`.
  package static func checkIsNew(_ path: String) throws {
    guard !FileManager.default.fileExists(atPath: path) else {
      throw CaffeError("this exists already; choose another name or remove it", places: [path])
    }
  }
}
