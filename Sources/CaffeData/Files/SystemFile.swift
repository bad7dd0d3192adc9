import CaffeErrors
import Glibc

/// An open file of the operating system; errors carry the system's reason and the caller adds the
/// path.
package struct SystemFile: ~Copyable {
  private let descriptor: Int32

  /// The system's words for the error of the last call.
  package static var reason: String { String(cString: strerror(errno)) }

  /// Creates a file to write, replacing what was there.
  package init(creating path: String) throws {
    try self.init(path, O_WRONLY | O_CREAT | O_TRUNC)
  }

  /// Opens a file to write at its end; one that is not there is created.
  package init(appendingTo path: String) throws {
    try self.init(path, O_RDWR | O_CREAT | O_APPEND)
  }

  /// Opens a file or folder to read.
  init(reading path: String) throws {
    try self.init(path, O_RDONLY)
  }

  /// Opens a file to change it.
  init(updating path: String) throws {
    try self.init(path, O_RDWR)
  }

  private init(_ path: String, _ flags: Int32) throws {
    descriptor = Self.again { open(path, flags | O_CLOEXEC, 0o666) }
    guard descriptor >= 0 else { throw CaffeError(Self.reason) }
  }

  deinit {
    close(descriptor)
  }

  /// Makes a call of the system until no signal interrupts it.
  private static func again(_ call: () -> Int32) -> Int32 {
    while true {
      let status = call()
      if status >= 0 || errno != EINTR { return status }
    }
  }

  /// Cuts off what follows the last line feed: half a line of a writer that was killed. For files that
  /// are open for reading and writing.
  package func dropUnfinishedLine() throws {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw CaffeError(Self.reason) }
    guard status.st_mode & S_IFMT == S_IFREG else { return }
    var end = status.st_size
    var block = [UInt8](repeating: 0, count: 4096)
    while end > 0 {
      let start = max(0, end - block.count)
      let count = pread(descriptor, &block, end - start, off_t(start))
      guard count == end - start else { throw CaffeError(Self.reason) }
      if let last = block[..<count].lastIndex(of: UInt8(ascii: "\n")) {
        end = start + last + 1
        break
      }
      end = start
    }
    guard end == status.st_size || ftruncate(descriptor, off_t(end)) == 0 else {
      throw CaffeError(Self.reason)
    }
  }

  /// Waits until no other process has the file locked, and locks it until it is closed; does nothing
  /// on file systems that know no locks.
  func lock() throws {
    guard Self.again({ flock(descriptor, LOCK_EX) }) == 0 || [ENOLCK, EOPNOTSUPP].contains(errno)
    else { throw CaffeError(Self.reason) }
  }

  /// Appends all bytes.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    // One call to the system writes at most 2 GB.
    let most = 1 << 30
    var rest = bytes
    while !rest.isEmpty {
      let written = Glibc.write(descriptor, rest.baseAddress, min(rest.count, most))
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw CaffeError(Self.reason) }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// How many bytes the file has now.
  var size: Int {
    get throws {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw CaffeError(Self.reason) }
      return Int(status.st_size)
    }
  }

  /// Reads from `place` on.
  ///
  /// - Returns: how many bytes there are, at most as many as fit into `buffer`.
  func read(at place: Int, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(descriptor, rest.baseAddress, rest.count, off_t(place + done))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw CaffeError(Self.reason) }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Writes all bytes from `place` on.
  func write(_ bytes: UnsafeRawBufferPointer, at place: Int) throws {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(place + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw CaffeError(Self.reason) }
      done += count
    }
  }

  /// Makes the file end after `count` bytes.
  func truncate(to count: Int) throws {
    guard Self.again({ ftruncate(descriptor, off_t(count)) }) == 0 else {
      throw CaffeError(Self.reason)
    }
  }

  /// Makes sure that the disk has room for `count` bytes more than the file has now.
  func reserve(_ count: Int) throws {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw CaffeError(Self.reason) }
    var failure: Int32
    repeat {
      failure = posix_fallocate(descriptor, status.st_size, off_t(count))
    } while failure == EINTR
    // What is no file on a disk has nothing to reserve.
    guard [0, EINVAL, ENODEV, EOPNOTSUPP].contains(failure) else {
      throw CaffeError(String(cString: strerror(failure)))
    }
  }

  /// Returns when everything written has reached the disk.
  func synchronize() throws {
    // What is no file on a disk (EINVAL: a pipe, a device) has nothing to wait for.
    guard Self.again({ fsync(descriptor) }) == 0 || errno == EINVAL else {
      throw CaffeError(Self.reason)
    }
  }
}
