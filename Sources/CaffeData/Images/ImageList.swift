import CaffeErrors
import CaffeSchema

/// The images of a text file with a path, a space and a label on each line.
///
/// The *last* space divides, so paths may have spaces. A label is read as C's `atoi` does: its
/// leading digits count, none are 0. Blank lines do not count.
///
/// Source: BVLC Caffe, `image_data_layer.cpp`.
package struct ImageList: Sendable {
  package struct Entry: Sendable, Equatable {
    package let path: String
    package let label: Int32
    /// Counted from 1.
    package let line: Int
  }

  /// The file the list was read from.
  package let source: String
  package let entries: [Entry]
  /// The first line whose label is not a whole number and nothing else.
  package let firstOddLabel: (line: Int, label: String)?

  /// - Parameter locate: the file that a path of the list means.
  package init(_ source: String, locate: (String) -> String = { $0 }) throws {
    self.source = source
    var entries: [Entry] = []
    var odd: (line: Int, label: String)?
    let text = try FileBytes.read(source, limit: FileBytes.largestText)
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, bytes) in lines.enumerated() {
      let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
      guard line.contains(where: { !Self.isBlank($0) }) else { continue }
      guard let space = line.lastIndex(of: UInt8(ascii: " ")) else {
        throw CaffeError(
          "a path, a space and a label are wanted, got '\(String(decoding: line, as: UTF8.self))'",
          places: [source, "line \(index + 1)"])
      }
      let label = String(decoding: line[(space + 1)...], as: UTF8.self)
      if odd == nil, Int32(label) == nil { odd = (index + 1, label) }
      entries.append(
        Entry(
          path: locate(String(decoding: line[..<space], as: UTF8.self)),
          label: Self.leadingNumber(label),
          line: index + 1))
    }
    guard !entries.isEmpty else { throw CaffeError("the list names no image", places: [source]) }
    self.entries = entries
    firstOddLabel = odd
  }

  /// What to tell the user about labels, if anything.
  package var oddLabelRemark: String? {
    firstOddLabel.map { line, label in
      "\(source): line \(line): the label '\(label)' is not a whole number; "
        + "only its leading digits count"
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (UInt8(ascii: "\t")...UInt8(ascii: "\r")).contains(byte)
  }

  /// The whole number that `text` begins with, 0 if with none, brought into the range of 32 bits.
  private static func leadingNumber(_ text: String) -> Int32 {
    var rest = text.utf8.drop(while: isBlank)
    let isNegative = rest.first == UInt8(ascii: "-")
    if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    var number = 0
    for digit in rest.prefix(while: { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
      number = min(number * 10 + Int(digit - UInt8(ascii: "0")), 1 << 32)
    }
    return Int32(clamping: isNegative ? -number : number)
  }
}
