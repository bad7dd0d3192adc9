import CaffeErrors
import Glibc

/// Reads files whole, with a sentence for each way that fails.
package enum FileBytes {
  /// The largest text read.
  package static let largestText = 256 << 20
  /// The largest binary message: protobuf's own limit.
  package static let largestBinary = Int(Int32.max)

  /// The content of a file, or of a pipe until its end.
  ///
  /// - Throws: CaffeError if the file is missing, a folder, unreadable or larger than `limit` bytes.
  package static func read(_ path: String, limit: Int) throws -> [UInt8] {
    try withDescriptor(path, limit: limit) { descriptor, size in
      var bytes: [UInt8] = []
      var chunk = size + 1  // so that one read takes a file whole
      while true {
        let part = try [UInt8](unsafeUninitializedCapacity: max(chunk, 1 << 16)) { buffer, count in
          count = try readSome(descriptor, into: UnsafeMutableRawBufferPointer(buffer), path)
        }
        if part.isEmpty { return bytes }
        if bytes.isEmpty { bytes = part } else { bytes += part }
        if bytes.count > limit { throw tooLarge(path, limit) }
        chunk = size - bytes.count
      }
    }
  }

  /// Calls `body` with the bytes of a file, mapped rather than copied if it is a regular one.
  package static func withBytes<Result>(
    of path: String, limit: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    let isMapped = try withDescriptor(path, limit: limit) { _, size in size > 0 }
    guard isMapped else { return try read(path, limit: limit).withUnsafeBytes(body) }
    return try withDescriptor(path, limit: limit) { descriptor, size in
      guard let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED
      else { throw failure("cannot map", path) }
      defer { munmap(start, size) }
      return try body(UnsafeRawBufferPointer(start: start, count: size))
    }
  }

  /// Whether there is nothing that `path` names; links are followed.
  package static func isMissing(_ path: String) -> Bool {
    access(path, F_OK) < 0 && errno == ENOENT
  }

  /// Whether `path` names a folder; links are followed.
  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Opens the file and tells its size; 0 if it is a pipe or device.
  private static func withDescriptor<Result>(
    _ path: String, limit: Int, _ body: (Int32, Int) throws -> Result
  ) throws -> Result {
    var descriptor: Int32
    repeat { descriptor = open(path, O_RDONLY | O_CLOEXEC) } while descriptor < 0 && errno == EINTR
    guard descriptor >= 0 else {
      throw errno == ENOENT ? CaffeError("File not found: \(path)") : failure("cannot open", path)
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure("cannot examine", path) }
    let kind = status.st_mode & S_IFMT
    if kind == S_IFDIR { throw CaffeError("\(path) is a folder, not a file") }
    let size = kind == S_IFREG ? Int(status.st_size) : 0
    if size > limit { throw tooLarge(path, limit) }
    return try body(descriptor, size)
  }

  private static func readSome(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, _ path: String
  ) throws -> Int {
    while true {
      let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      if errno != EINTR { throw failure("cannot read", path) }
    }
  }

  private static func tooLarge(_ path: String, _ limit: Int) -> CaffeError {
    CaffeError("\(path) is larger than the \(limit >> 20) MiB that such a file may have")
  }

  private static func failure(_ call: String, _ path: String) -> CaffeError {
    CaffeError("\(call) \(path): \(String(cString: strerror(errno)))")
  }
}
