import CaffeErrors
import CaffeSchema

/// The images of a text file with a path, a space and a label on each line, or several labels.
///
/// The *last* space divides (of several labels, the last so many), so paths may have spaces. A single
/// label is read as C's `atoi` does: its leading digits count, none are 0. Several are numbers, with
/// fractions or not. Blank lines do not count.
///
/// Source: BVLC Caffe, `image_data_layer.cpp`.
package struct ImageList: Sendable {
  package struct Entry: Sendable, Equatable {
    package let path: String
    /// The only label; of several, 0.
    package let label: Int32
    /// All labels, if a line has several.
    package let labels: [Float]
    /// Counted from 1.
    package let line: Int
  }

  /// The file the list was read from.
  package let source: String
  package let entries: [Entry]
  /// How many labels a line has.
  package let labelsEach: Int
  /// The first line whose label is not a whole number and nothing else.
  package let firstOddLabel: (line: Int, label: String)?

  /// - Parameters:
  ///   - labelsEach: how many labels a line has, at least 1.
  ///   - locate: the file that a path of the list means.
  package init(
    _ source: String, labelsEach: Int = 1, locate: (String) -> String = { $0 }
  ) throws {
    self.source = source
    self.labelsEach = labelsEach
    var entries: [Entry] = []
    var odd: (line: Int, label: String)?
    let text = try FileBytes.read(source, limit: FileBytes.largestText)
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, bytes) in lines.enumerated() {
      let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
      guard line.contains(where: { !Self.isBlank($0) }) else { continue }
      let place = index + 1
      let (path, words) = try withPlace(source) {
        try withPlace("line \(place)") { try Self.split(line, labelsEach) }
      }
      let isSingle = labelsEach == 1
      if isSingle, odd == nil, Int32(words[0]) == nil { odd = (place, words[0]) }
      entries.append(
        Entry(
          path: locate(path), label: isSingle ? Self.leadingNumber(words[0]) : 0,
          labels: isSingle
            ? [] : try words.map { try Self.number($0, places: [source, "line \(place)"]) },
          line: place))
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

  /// The path and the labels of a line.
  private static func split(
    _ line: ArraySlice<UInt8>, _ labelsEach: Int
  ) throws -> (path: String, labels: [String]) {
    var rest = line
    var labels: [String] = []
    for _ in 0..<labelsEach {
      guard let space = rest.lastIndex(of: UInt8(ascii: " ")) else {
        let wanted = labelsEach == 1 ? "a label" : "\(labelsEach) labels"
        throw CaffeError(
          "a path, a space and \(wanted) are wanted, got '\(String(decoding: line, as: UTF8.self))'"
        )
      }
      labels.append(String(decoding: rest[(space + 1)...], as: UTF8.self))
      rest = rest[..<space]
    }
    return (String(decoding: rest, as: UTF8.self), labels.reversed())
  }

  private static func number(_ text: String, places: [String]) throws -> Float {
    guard let number = Float(text), number.isFinite else {
      throw CaffeError("the label '\(text)' is not a number", places: places)
    }
    return number
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
