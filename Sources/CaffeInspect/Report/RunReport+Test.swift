import CaffeData
import CaffeErrors

/// The parts that tell of a pass over the test set.
extension RunReport {
  /// The most classes of which every pair is shown.
  private static let mostClasses = 30
  /// How many pairs of classes are named where there are more.
  private static let mostPairs = 20

  func confusion(_ evaluation: Evaluation) throws -> HTML {
    let confusion = evaluation.confusion
    let share = confusion.accuracy.map { ", \(Self.percent($0))" } ?? ""
    var sentence =
      "\(Quantity.grouped(confusion.right)) of \(Quantity.grouped(confusion.total)) are right\(share)."
    if evaluation.ignored > 0 {
      sentence += " \(Quantity.grouped(evaluation.ignored)) labels are ignored."
    }
    let matrix =
      confusion.classes <= Self.mostClasses ? matrix(confusion) : pairs(confusion)
    return
      "<p>\(sentence)</p>\n<p class=\"note\">With the weights of \(evaluation.weights).</p>\n\(matrix)\n\(classes(confusion))"
  }

  /// A row for each class, a column for each guess.
  private func matrix(_ confusion: Confusion) -> HTML {
    let numbers = 0..<confusion.classes
    let head = numbers.map { "<th scope=\"col\">\(className($0))</th>" as HTML }
    let rows = numbers.map { label -> HTML in
      let support = max(1, confusion.support(of: label))
      let cells = numbers.map { guess -> HTML in
        let count = confusion[label, guess]
        return Self.cell(
          count, share: Double(count) / Double(support), isRight: label == guess)
      }
      return "<tr><th scope=\"row\">\(className(label))</th>\(cells)</tr>"
    }
    return """
      <div class="wide matrix" tabindex="0" role="region" aria-label="Confusion matrix"><table>
      <caption>Rows are what it is, columns what it was taken for.</caption>
      <thead><tr><td></td>\(head)</tr></thead>
      <tbody>\(rows)</tbody></table></div>
      """
  }

  /// The darker, the more of its row.
  private static func cell(_ count: Int, share: Double, isRight: Bool) -> HTML {
    guard count > 0 else { return "<td>0</td>" }
    let depth = Text.number((share.squareRoot() * 100).rounded() / 100)
    let strong: HTML = share > 0.36 ? " class=\"strong\"" : ""
    return
      "<td\(strong) style=\"background: rgb(var(--\(isRight ? "right" : "wrong")) / \(depth))\">\(count)</td>"
  }

  private func pairs(_ confusion: Confusion) -> HTML {
    .table(
      "The most frequent mistakes; of \(confusion.classes) classes not every pair is shown",
      [.text("It is"), .text("Taken for"), .number("Times")],
      confusion.mistakes(Self.mostPairs).map {
        ["\(className($0.label))", "\(className($0.guess))", "\(Quantity.grouped($0.count))"]
      })
  }

  private func classes(_ confusion: Confusion) -> HTML {
    func text(_ share: Double?) -> HTML { "\(share.map(Self.percent) ?? "–")" }
    let rows = (0..<confusion.classes).map { number -> [HTML] in
      [
        "\(className(number))", text(confusion.precision(of: number)),
        text(confusion.recall(of: number)), text(confusion.f1(of: number)),
        "\(Quantity.grouped(confusion.support(of: number)))",
      ]
    }
    let table = HTML.table(
      "Precision: of the items taken for the class, how many are of it. Recall: of the class's items, how many were taken for it.",
      [.text("Class"), .number("Precision"), .number("Recall"), .number("F1"), .number("Items")],
      rows)
    return confusion.classes <= Self.mostClasses ? table : .details("Every class", table)
  }

  func mistakes(_ evaluation: Evaluation) throws -> HTML {
    guard !evaluation.mistakes.isEmpty else { return "<p>There are none.</p>" }
    let tiles = try evaluation.mistakes.map { mistake -> HTML in
      let (label, guess) = (className(mistake.label), className(mistake.guess))
      let picture = try mistake.picture.map {
        try HTML.image(
          $0, text: "Item \(mistake.item): \(label), taken for \(guess)", style: "seen")
      }
      return """
        <li>\(picture ?? "")<div><strong>\(label)</strong> \(Self.percent(mistake.labelProbability))</div>
        <div>taken for <strong>\(guess)</strong> \(Self.percent(mistake.guessProbability))</div>
        <div class="note">item \(mistake.item)</div></li>
        """
    }
    return """
      <p class="note">The items whose own class the net held least probable, worst first.</p>
      <ul class="tiles">\(tiles)</ul>
      """
  }
}
