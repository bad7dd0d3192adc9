import CaffeErrors

/// A kind of file that this package reads, as fuzzing and the tests of damaged files see it.
///
/// HDF5, LMDB and LevelDB are read as programs do that have called `ReaderProcess.begin()`; in this process
/// a damaged one may crash it.
package struct FileFormat: Sendable, CustomStringConvertible {
  package let name: String
  /// Sound files, small ones, to begin from.
  package let seeds: @Sendable () throws -> [[UInt8]]
  /// Reads all of a file of this kind, as the commands do.
  package let read: @Sendable (UnsafeRawBufferPointer) throws -> Void

  package init(
    _ name: String,
    seeds: @autoclosure @escaping @Sendable () throws -> [[UInt8]],
    read: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void
  ) {
    self.name = name
    self.seeds = seeds
    self.read = read
  }

  package var description: String { name }

  package static let all: [FileFormat] =
    texts + models + snapshots + databases + records + pictures

  package static func named(_ name: String) -> FileFormat? { all.first { $0.name == name } }
}

extension FileFormat {
  /// What became of reading a file.
  package enum Verdict: Equatable {
    case read
    /// In a sentence meant for users.
    case refused
    /// In a way that is a mistake of ours: what the user would have seen.
    case mishandled(String)
  }

  /// Reads a file that may be damaged.
  package func verdict(on bytes: [UInt8]) -> Verdict {
    bytes.withUnsafeBytes { verdict(on: $0) }
  }

  package func verdict(on bytes: UnsafeRawBufferPointer) -> Verdict {
    do {
      try read(bytes)
      return .read
    } catch let error as CaffeError {
      let line = error.description
      let isLine =
        !line.isEmpty && !error.message.isEmpty
        && line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F || $0 == "\t" }
      return isLine ? .refused : .mishandled("no single line: \(line.debugDescription)")
    } catch {
      return .mishandled("not a CaffeError: \(error)")
    }
  }
}
