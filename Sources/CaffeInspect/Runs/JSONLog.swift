/// Writes a run's records to a file, an object a line, each line at once.
package final class JSONLog: RunSink {
  private let lines: JSONLines

  /// - Parameter continuing: whether to go on where an older file ends, rather than replace it.
  /// - Throws: a file that cannot be written.
  package init(_ path: String, continuing: Bool) throws {
    lines = try JSONLines(path, continuing: continuing)
  }

  package func receive(_ record: RunRecord) throws { try lines.append(record) }
}
