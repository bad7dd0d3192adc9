/// A piece of HTML. Literals are markup; whatever text is put into them is escaped, so that only HTML
/// goes in as it is:
///
///     let cell: HTML = "<td>\(layer.name)</td>"     // <td>&lt;conv&gt;</td>
package struct HTML: Equatable, Sendable, ExpressibleByStringInterpolation {
  package private(set) var markup: String

  package init(stringLiteral markup: String) { self.markup = markup }
  package init(stringInterpolation: Interpolation) { markup = stringInterpolation.markup }
  private init(markup: String) { self.markup = markup }

  /// Text as it stands.
  package init(text: String) { markup = Self.escaped(text) }

  /// A drawing, which becomes part of the page.
  ///
  /// What a file of its own needs goes: the lines before the element, and the names of its namespaces.
  /// - Parameter label: what it shows, for those who do not see it.
  package init(svg: String, label: String) {
    let element = svg.firstRange(of: "<svg").map { svg[$0.lowerBound...] } ?? svg[...]
    let inner = element.replacing(/\sxmlns(:\w+)?="[^"]*"/, with: "")
      .replacing(/<!--.*?-->/.dotMatchesNewlines(), with: "")
    markup =
      "<svg role=\"img\" aria-label=\"\(Self.escaped(label))\"" + inner.dropFirst("<svg".count)
  }

  /// Pieces one after the other, each on a line.
  package init(_ pieces: some Sequence<HTML>) {
    markup = pieces.map(\.markup).joined(separator: "\n")
  }

  package struct Interpolation: StringInterpolationProtocol {
    fileprivate var markup = ""

    package init(literalCapacity: Int, interpolationCount: Int) {}
    package mutating func appendLiteral(_ literal: String) { markup += literal }
    package mutating func appendInterpolation(_ html: HTML) { markup += html.markup }
    package mutating func appendInterpolation(_ pieces: [HTML]) { markup += HTML(pieces).markup }
    package mutating func appendInterpolation(_ text: String) { markup += HTML.escaped(text) }
    package mutating func appendInterpolation(_ number: Int) { markup += String(number) }
  }

  /// Safe between tags and in quoted attributes.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text.unicodeScalars {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }
}

extension HTML {
  /// A column of a table.
  package struct Column {
    let title: String
    let isNumber: Bool

    static func text(_ title: String) -> Column { Column(title: title, isNumber: false) }
    static func number(_ title: String) -> Column { Column(title: title, isNumber: true) }
  }

  /// A table whose first column names the rows.
  package static func table(
    _ caption: String, _ columns: [Column], _ rows: [[HTML]]
  ) -> HTML {
    func attribute(_ column: Column) -> HTML { column.isNumber ? " class=\"number\"" : "" }
    let head = columns.map { "<th scope=\"col\"\(attribute($0))>\($0.title)</th>" as HTML }
    let body = rows.map { row -> HTML in
      let cells = zip(columns, row).enumerated().map { index, cell -> HTML in
        index == 0
          ? "<th scope=\"row\"\(attribute(cell.0))>\(cell.1)</th>"
          : "<td\(attribute(cell.0))>\(cell.1)</td>"
      }
      return "<tr>\(cells)</tr>"
    }
    return """
      <div class="wide" tabindex="0" role="region" aria-label="\(caption)"><table><caption>\(caption)</caption>
      <thead><tr>\(head)</tr></thead>
      <tbody>\(body)</tbody></table></div>
      """
  }

  /// Names and what they stand for.
  package static func facts(_ facts: [(name: String, value: String)]) -> HTML {
    "<dl>\(facts.map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>" as HTML })</dl>"
  }

  /// What opens on a click.
  package static func details(_ summary: String, _ content: HTML) -> HTML {
    "<details><summary>\(summary)</summary>\(content)</details>"
  }
}
