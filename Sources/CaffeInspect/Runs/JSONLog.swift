import CaffeData
import CaffeErrors
import Foundation

/// Writes a run's records to a file, an object a line, each line at once.
package final class JSONLog: RunSink {
  private let path: String
  private let file: SystemFile

  /// - Parameter continuing: whether to go on where an older file ends, rather than replace it.
  /// - Throws: a file that cannot be written.
  package init(_ path: String, continuing: Bool) throws {
    self.path = path
    do {
      file = continuing ? try SystemFile(appendingTo: path) : try SystemFile(creating: path)
      if continuing { try file.dropUnfinishedLine() }
    } catch let error as CaffeError {
      throw error.within(path)
    }
  }

  package func receive(_ record: RunRecord) throws {
    let line = try JSONLine.text(record) + "\n"
    try withPlace(path) { try Array(line.utf8).withUnsafeBytes { try file.write($0) } }
  }
}
