import CaffeErrors
import CaffeSchema

/// The names of classes: a line each, in the order of their numbers.
package struct ClassNames: Sendable {
  package let names: [String]

  package init(file path: String) throws {
    let text = String(
      decoding: try FileBytes.read(path, limit: FileBytes.largestText), as: UTF8.self)
    names = text.split(whereSeparator: \.isNewline).map(String.init)
    guard !names.isEmpty else { throw CaffeError("there are no names of classes", places: [path]) }
  }

  /// - Throws: unless there is a name for each class.
  package func check(classes: Int) throws {
    guard names.count == classes else {
      throw CaffeError("there are \(names.count) names of classes, but the net scores \(classes)")
    }
  }
}

/// The best of some scores.
package enum TopScores {
  /// The `count` largest scores, largest first; of equal ones the lower class first, and what is not
  /// a number last.
  package static func best(
    _ count: Int, of scores: some Collection<Float>
  ) -> [(number: Int, score: Float)] {
    let ranked = scores.enumerated().sorted { a, b in
      let (first, second) = (rank(a.element), rank(b.element))
      return first == second ? a.offset < b.offset : first > second
    }
    return ranked.prefix(count).map { (number: $0.offset, score: $0.element) }
  }

  private static func rank(_ score: Float) -> Float { score.isNaN ? -.infinity : score }
}
