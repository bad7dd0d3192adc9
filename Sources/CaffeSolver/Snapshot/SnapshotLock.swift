import CaffeData
import CaffeErrors
import Glibc

/// Keeps two runs from taking snapshots under one prefix, where each would replace the other's.
///
/// While a run has it there is a file `.<prefix>.lock` beside the snapshots, locked by the system and
/// naming the process. The lock ends with its process, however that ends; a file that a killed one
/// leaves locks nothing, and the next run takes it over and removes it.
package final class SnapshotLock {
  private let path: String
  private let descriptor: Int32

  /// - Throws: a lock that another run has, naming its process; a file that cannot be made.
  init(prefix: String) throws {
    let (folder, name) = SnapshotPrefix.split(prefix)
    path = "\(folder)/.\(name).lock"
    descriptor = try SnapshotLock.acquire(path, prefix: prefix)
    _ = ftruncate(descriptor, 0)
    let owner = Array("process \(getpid()) on \(Host.name)".utf8)
    // Whoever cannot read who it is still cannot have the lock.
    _ = write(descriptor, owner, owner.count)
    TemporaryFiles.removeLeftovers(of: "\(name)_iter_", in: folder, orLongerNames: true)
  }

  deinit {
    unlink(path)
    close(descriptor)
  }

  /// The descriptor of the locked file; without a lock on file systems that know none.
  private static func acquire(_ path: String, prefix: String) throws -> Int32 {
    while true {
      let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else {
        if errno == EINTR { continue }
        throw CaffeError("cannot lock snapshot_prefix '\(prefix)': \(SystemFile.reason)")
      }
      if flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
        defer { close(descriptor) }
        throw CaffeError(
          "another run (\(owner(of: descriptor))) takes snapshots under the snapshot_prefix '\(prefix)'; give one of them another"
        )
      }
      // The run before may have removed the file between the two calls.
      if isFile(descriptor, at: path) { return descriptor }
      close(descriptor)
    }
  }

  private static func owner(of descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : "not known"
  }

  private static func isFile(_ descriptor: Int32, at path: String) -> Bool {
    var (opened, named) = (stat(), stat())
    return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0
      && opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
  }
}

extension Solver {
  /// Makes sure that no other run takes snapshots under this one's prefix, as long as the result lives;
  /// `nil` if this run is to take none. What killed runs left half written under the prefix goes.
  package func lockSnapshots() throws -> SnapshotLock? {
    try withPlace(parameter.place) {
      SnapshotPrefix.isNeeded(parameter, prefix: snapshotPrefix)
        ? try SnapshotLock(prefix: snapshotPrefix) : nil
    }
  }
}
