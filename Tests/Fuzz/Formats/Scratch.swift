import CaffeSchema
import CaffeTestSupport
import Foundation

/// Files for readers that want a path, in memory where the system has room there.
enum Scratch {
  private static let parent =
    FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()

  /// Calls `body` with the path of a new folder that is gone afterwards.
  static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let path = "\(parent)/caffe-fuzz-\(UUID().uuidString)"
    guard mkdir(path, 0o700) == 0 else { throw Failure("cannot make \(path)") }
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  /// Calls `body` with the path of a new file of the given name and content.
  static func withFile<Result>(
    _ bytes: UnsafeRawBufferPointer, named name: String, _ body: (String) throws -> Result
  ) throws -> Result {
    try withFolder { folder in
      try write(bytes, to: "\(folder)/\(name)")
      return try body("\(folder)/\(name)")
    }
  }

  static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
    guard let file = fopen(path, "wb") else { throw Failure("cannot make \(path)") }
    let written = fwrite(bytes.baseAddress, 1, bytes.count, file)
    guard fclose(file) == 0, written == bytes.count else { throw Failure("cannot write \(path)") }
  }

  /// The machine does not do what a test needs.
  struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }
}

extension FileFormat {
  /// A format whose reader wants a path.
  init(
    _ name: String, file: String,
    seeds: @autoclosure @escaping @Sendable () throws -> [[UInt8]],
    read: @escaping @Sendable (String) throws -> Void
  ) {
    self.init(name, seeds: try seeds()) { bytes in
      try Scratch.withFile(bytes, named: file, read)
    }
  }

  /// Files of this package.
  static func files(_ names: String...) throws -> [[UInt8]] {
    try names.map { try content(PackageFolder.path($0)) }
  }

  static func content(_ path: String) throws -> [UInt8] {
    try FileBytes.read(path, limit: 1 << 20)
  }
}
