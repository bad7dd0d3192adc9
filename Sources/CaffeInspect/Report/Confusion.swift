import Glibc

/// How often a classifier took each class for each.
package struct Confusion: Equatable, Sendable {
  package let classes: Int
  /// `[label][guess]`, row by row.
  private var counts: [Int]

  package init(classes: Int) {
    self.classes = classes
    counts = Array(repeating: 0, count: classes * classes)
  }

  package mutating func add(label: Int, guess: Int) { counts[label * classes + guess] += 1 }

  /// How often items of class `label` were taken for `guess`.
  package subscript(label: Int, guess: Int) -> Int { counts[label * classes + guess] }

  package var total: Int { counts.reduce(0, +) }
  package var right: Int { (0..<classes).reduce(0) { $0 + self[$1, $1] } }

  /// How many items are of a class.
  package func support(of label: Int) -> Int {
    (0..<classes).reduce(0) { $0 + self[label, $1] }
  }

  /// How many items were taken for a class.
  package func guesses(of guess: Int) -> Int {
    (0..<classes).reduce(0) { $0 + self[$1, guess] }
  }

  /// Of the items taken for a class, the share that are of it; nil if none were.
  package func precision(of number: Int) -> Double? {
    Self.share(self[number, number], of: guesses(of: number))
  }

  /// Of the items of a class, the share that were taken for it; nil if there are none.
  package func recall(of number: Int) -> Double? {
    Self.share(self[number, number], of: support(of: number))
  }

  /// The harmonic mean of precision and recall: 2·right / (items + guesses); nil without either.
  package func f1(of number: Int) -> Double? {
    Self.share(2 * self[number, number], of: support(of: number) + guesses(of: number))
  }

  package var accuracy: Double? { Self.share(right, of: total) }

  /// The `count` most frequent mistakes, most frequent first.
  package func mistakes(_ count: Int) -> [(label: Int, guess: Int, count: Int)] {
    let all = counts.indices.filter { counts[$0] > 0 && $0 / classes != $0 % classes }
    return all.sorted { (counts[$1], $0) < (counts[$0], $1) }.prefix(count)
      .map { (label: $0 / classes, guess: $0 % classes, count: counts[$0]) }
  }

  private static func share(_ part: Int, of whole: Int) -> Double? {
    whole == 0 ? nil : Double(part) / Double(whole)
  }
}

/// How probable a classifier holds each class for one item.
package enum ClassProbabilities {
  /// Scores that are probabilities already (none negative, 1 together) stay as they are; of others the
  /// softmax.
  package static func of(_ scores: [Float]) -> [Double] {
    let scores = scores.map(Double.init)
    let sum = scores.reduce(0, +)
    if scores.allSatisfy({ $0 >= 0 }), abs(sum - 1) < 1e-3 { return scores }
    let largest = scores.filter { !$0.isNaN }.max() ?? 0
    let powers = scores.map { exp($0 - largest) }
    let whole = powers.reduce(0, +)
    return powers.map { $0 / whole }
  }
}
