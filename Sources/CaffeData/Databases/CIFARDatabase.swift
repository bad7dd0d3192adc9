import CaffeErrors
import CaffeSchema
import Foundation
import Glibc

/// CIFAR-10's binary files, read as a database without conversion; the files' content is kept in
/// memory. A record is a label and the red, green and blue planes of 32 × 32 pixels.
///
/// Its records are those that `convert-cifar` writes.
///
/// Source: Krizhevsky's CIFAR-10 page; BVLC Caffe, `convert_cifar_data.cpp`.
package final class CIFARDatabase: FixedRecords, @unchecked Sendable {
  private static let extents = DataTransformer.Extents(channels: 3, height: 32, width: 32)
  static let recordSize = 1 + extents.count
  /// CIFAR-10 has ten classes; another label means another kind of file.
  private static let classes = 10

  /// Reads the files that `pattern` means, one after the other in the order of their names.
  ///
  /// - Parameter pattern: a path, whose `*` and `?` stand for any letters: `data_batch_*.bin`.
  package convenience init(_ pattern: String) throws {
    let files = Self.files(pattern)
    guard !files.isEmpty else {
      throw CaffeError(
        pattern.contains { "*?[".contains($0) }
          ? "no file has such a name" : "No such file or directory", places: [pattern])
    }
    try self.init(pattern, files: files)
  }

  /// Reads files one after the other.
  ///
  /// - Parameter path: what messages call them all.
  package init(_ path: String, files: [String]) throws {
    var pixels: [UInt8] = []
    var labels: [UInt8] = []
    for file in files {
      let bytes = try FileBytes.read(file, limit: FileBytes.largestBinary)
      try withPlace(file) { try Self.check(bytes) }
      for start in stride(from: 0, to: bytes.count, by: Self.recordSize) {
        labels.append(bytes[start])
        pixels += bytes[(start + 1)..<(start + Self.recordSize)]
      }
    }
    super.init(
      path: path, keyDigits: 5, extents: Self.extents, pixels: pixels, labels: labels)
  }

  /// Whether the pattern means files of which the first looks as CIFAR-10's do.
  static func isFound(at pattern: String) -> Bool {
    guard let path = files(pattern).first, path.hasSuffix(".bin") else { return false }
    var status = stat()
    return stat(path, &status) == 0 && status.st_size > 0
      && Int(status.st_size) % recordSize == 0
  }

  private static func check(_ bytes: [UInt8]) throws {
    guard !bytes.isEmpty, bytes.count % recordSize == 0 else {
      throw CaffeError(
        "a file of CIFAR-10 has records of \(recordSize) bytes, this has \(bytes.count) bytes")
    }
    for start in stride(from: 0, to: bytes.count, by: recordSize) where bytes[start] >= classes {
      throw CaffeError(
        "record \(start / recordSize) has the label \(bytes[start]); CIFAR-10's are below \(classes)"
      )
    }
  }

  private static func files(_ pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, 0, nil, &found) == 0 else { return [] }
    return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
  }
}
