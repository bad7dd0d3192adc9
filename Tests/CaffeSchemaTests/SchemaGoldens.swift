import CaffeTestSupport
import Foundation

/// Files under `Tests/Goldens`. What these tests know of them is theirs alone, so another folder of
/// goldens cannot stand in.
enum SchemaGoldens {
  static func path(_ name: String) -> String { Goldens.own(name) }

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// The rows of a table, without its head; each row by column name.
  static func table(_ name: String) throws -> [[String: String]] {
    let text = String(decoding: try bytes(name), as: UTF8.self)
    let lines = text.split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
    return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
  }
}
