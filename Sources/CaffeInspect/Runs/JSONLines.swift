import CaffeData
import CaffeErrors
import CaffeSchema
import Foundation

/// A file of JSON objects, one a line.
package final class JSONLines {
  private let path: String
  private let file: SystemFile

  /// - Parameter continuing: whether to go on after the last whole line of an older file, rather than
  ///   replace it.
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

  /// Writes a line, at once.
  package func append(_ value: some Encodable) throws {
    let line = try JSONLine.text(value) + "\n"
    try withPlace(path) { try Array(line.utf8).withUnsafeBytes { try file.write($0) } }
  }

  /// Reads what lines hold.
  ///
  /// - Parameter format: what makes such lines, for the error.
  /// - Throws: a line that is no such object, unless it is the last one, of which a run that was killed
  ///   or is going on may leave half.
  static func read<Value: Decodable>(
    _ type: Value.Type, _ lines: [Substring], format: String
  ) throws -> [Value] {
    let decoder = JSONLine.decoder
    var values: [Value] = []
    for (number, line) in lines.enumerated() {
      do {
        values.append(try decoder.decode(type, from: Data(line.utf8)))
      } catch {
        if number == lines.count - 1 { break }
        throw CaffeError("this is no line of \(format)", places: ["line \(number + 1)"])
      }
    }
    return values
  }

  /// The lines of a text file that are not empty.
  static func lines(of path: String) throws -> [Substring] {
    let bytes = try FileBytes.read(path, limit: FileBytes.largestText)
    return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
  }
}
