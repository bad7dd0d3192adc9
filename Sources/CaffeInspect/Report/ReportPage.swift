/// A part of a page with its content.
package struct ReportSection: Sendable {
  package let part: ReportPart
  package let content: HTML
  /// Grows when the content changes; 0 in a page that does not.
  package let version: Int

  package init(_ part: ReportPart, _ content: HTML, version: Int = 0) {
    self.part = part
    self.content = content
    self.version = version
  }
}

/// The pages of reports and of the dashboard.
package enum ReportPage {
  /// A page that loads nothing from anywhere, and says so to the browser.
  ///
  /// - Parameters:
  ///   - sections: the parts of the page, in order.
  ///   - script: the path of a script on the same server; nil for a page that is a file.
  package static func page(
    title: String, sections: [ReportSection], script: String? = nil
  ) -> HTML {
    let own = script == nil ? "" : "; script-src 'self'; connect-src 'self'"
    let scripts: HTML = script.map { "<script src=\"\($0)\" defer></script>" } ?? ""
    let links = sections.map {
      "<a href=\"#\($0.part.rawValue)\">\($0.part.title)</a>" as HTML
    }
    let navigation: HTML =
      links.count > 1 ? "<nav aria-label=\"Parts\">\(links)</nav>" : ""
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'\(own)">
      <title>\(title)</title>
      <link rel="icon" href="data:,">
      <style>\(ReportStyle.sheet)</style>
      \(scripts)
      </head>
      <body>
      <header><h1>\(title)</h1><p id="live" role="status"></p></header>
      \(navigation)
      <main>
      \(sections.map(element))
      </main>
      <footer>Made by caffe-swift.</footer>
      </body>
      </html>

      """
  }

  private static func element(_ section: ReportSection) -> HTML {
    let name = section.part.rawValue
    return """
      <section id="\(name)" aria-labelledby="\(name)-title" data-version="\(section.version)">
      <h2 id="\(name)-title">\(section.part.title)</h2>
      <div class="content">\(section.content)</div>
      </section>
      """
  }
}

/// The parts of a report, in order.
package enum ReportPart: String, CaseIterable, Sendable {
  /// The runs of a folder; the dashboard's first page.
  case runs
  case overview, curves, confusion, mistakes, filters, histograms, graph, solver, machine

  package static let ofARun: [ReportPart] = allCases.filter { $0 != .runs }

  package var title: String {
    switch self {
    case .runs: "Runs"
    case .overview: "Overview"
    case .curves: "Curves"
    case .confusion: "Confusion matrix"
    case .mistakes: "Worst mistakes"
    case .filters: "Filters"
    case .histograms: "Weights and gradients"
    case .graph: "Net"
    case .solver: "Solver"
    case .machine: "Machine and speed"
    }
  }

  /// Whether it tells of a pass over the test set.
  package var needsEvaluation: Bool { self == .confusion || self == .mistakes }
}
