import CaffeData
import CaffeErrors

/// The learning curves of one or more runs: a panel for each output, training as thin lines, tests as
/// lines with dots.
package struct CurvePlot {
  package struct Run {
    package let name: String
    package let history: RunHistory

    package init(name: String, history: RunHistory) {
      self.name = name
      self.history = history
    }
  }

  private struct Curve {
    let color: String
    let isTest: Bool
    let points: [(iteration: Double, value: Double)]
  }

  private struct Panel {
    let title: String
    let curves: [Curve]
  }

  /// Colours that the colour-blind tell apart (Okabe and Ito).
  private static let colors = [
    SVG.Paint.blue, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
  ]
  private static let panelWidth = 560.0
  private static let panelHeight = 320.0
  private static let headHeight = 44.0
  private static let margins = (left: 64.0, right: 20.0, top: 34.0, bottom: 44.0)

  private let runs: [Run]
  private let panels: [Panel]
  private let isLogarithmic: Bool

  /// - Parameters:
  ///   - outputs: the outputs to plot; all if empty.
  ///   - logarithmic: whether the vertical axis is; what is not positive is left out then.
  /// - Throws: an output that no run has.
  package init(_ runs: [Run], outputs: [String] = [], logarithmic: Bool = false) throws {
    self.runs = runs
    isLogarithmic = logarithmic
    let known = Self.names(of: runs)
    if let stranger = outputs.first(where: { !known.contains($0) }) {
      throw CaffeError(
        "no run has an output '\(stranger)' (there are: \(known.joined(separator: ", ")))")
    }
    panels = (outputs.isEmpty ? known : outputs).map { name in
      Panel(
        title: name,
        curves: runs.enumerated().flatMap { number, run in
          let color = Self.colors[number % Self.colors.count]
          return [(run.history.train, false), (run.history.test, true)].map { rows, isTest in
            Curve(color: color, isTest: isTest, points: Self.points(rows, name, logarithmic))
          }.filter { !$0.points.isEmpty }
        })
    }
  }

  /// In the order in which they first come, the loss of training first.
  private static func names(of runs: [Run]) -> [String] {
    var names: [String] = []
    for row in runs.flatMap({ $0.history.train.prefix(1) + $0.history.test.prefix(1) }) {
      for name in RunHistory.columns(of: row) where !names.contains(name) { names.append(name) }
    }
    return names
  }

  private static func points(
    _ rows: [RunHistory.Row], _ name: String, _ logarithmic: Bool
  ) -> [(iteration: Double, value: Double)] {
    rows.compactMap { row in
      guard let index = RunHistory.columns(of: row).firstIndex(of: name) else { return nil }
      let value = row.outputs[index].value
      guard value.isFinite, !logarithmic || value > 0 else { return nil }
      return (Double(row.iteration), value)
    }
  }

  // MARK: Drawing

  package var svg: String {
    let columns = panels.count == 1 ? 1 : 2
    let rows = (panels.count + columns - 1) / columns
    var svg = SVG(
      width: Double(columns) * Self.panelWidth,
      height: Self.headHeight + Double(rows) * Self.panelHeight)
    drawLegend(&svg)
    for (index, panel) in panels.enumerated() {
      draw(
        panel, &svg, x: Double(index % columns) * Self.panelWidth,
        y: Self.headHeight + Double(index / columns) * Self.panelHeight)
    }
    return svg.document
  }

  /// Each panel as a drawing of its own, without the legend.
  package var panelDrawings: [(title: String, svg: String)] {
    panels.map { panel in
      var svg = SVG(width: Self.panelWidth, height: Self.panelHeight)
      draw(panel, &svg, x: 0, y: 0)
      return (panel.title, svg.document)
    }
  }

  private func drawLegend(_ svg: inout SVG) {
    var x = Self.margins.left
    let y = 26.0
    for (number, run) in runs.enumerated() {
      let color = Self.colors[number % Self.colors.count]
      svg.line([(x, y - 4), (x + 22, y - 4)], color: color, width: 3)
      svg.text(run.name, x: x + 28, y: y, isBold: true)
      x += 28 + Double(run.name.count) * 8 + 24
    }
    svg.text("thin: training, dots: test", x: x, y: y, size: 11, color: SVG.Paint.faint)
  }

  private func draw(_ panel: Panel, _ svg: inout SVG, x: Double, y: Double) {
    let margins = Self.margins
    let (left, right) = (x + margins.left, x + Self.panelWidth - margins.right)
    let (top, bottom) = (y + margins.top, y + Self.panelHeight - margins.bottom)
    svg.text(panel.title, x: left, y: y + 20, size: 14, isBold: true)
    let points = panel.curves.flatMap(\.points)
    guard let low = points.map(\.value).min(), let high = points.map(\.value).max(),
      let end = points.map(\.iteration).max()
    else { return svg.text("nothing to plot", x: left + 8, y: top + 20, color: SVG.Paint.faint) }
    let across = AxisTicks(points.map(\.iteration).min() ?? 0, end, wanted: 6)
    let up =
      isLogarithmic ? AxisTicks(powersFrom: low, to: high) : AxisTicks(low, high, wanted: 5)
    func place(_ iteration: Double, _ value: Double) -> (x: Double, y: Double) {
      (
        left + across.position(of: iteration) * (right - left),
        bottom - up.position(of: value) * (bottom - top)
      )
    }
    for tick in up.values {
      let height = place(across.values[0], tick).y
      svg.line([(left, height), (right, height)], color: SVG.Paint.grid)
      svg.text(up.label(tick), x: left - 8, y: height + 4, size: 11, anchor: .end)
    }
    for tick in across.values {
      let side = place(tick, up.values[0]).x
      svg.line([(side, bottom), (side, bottom + 5)], color: SVG.Paint.axis)
      svg.text(across.label(tick), x: side, y: bottom + 18, size: 11, anchor: .middle)
    }
    svg.line([(left, top), (left, bottom), (right, bottom)], color: SVG.Paint.axis)
    svg.text(
      "iteration", x: (left + right) / 2, y: bottom + 34, size: 11, anchor: .middle,
      color: SVG.Paint.faint)
    for curve in panel.curves { draw(curve, &svg, place) }
  }

  private func draw(
    _ curve: Curve, _ svg: inout SVG, _ place: (Double, Double) -> (x: Double, y: Double)
  ) {
    let points = curve.points.map { place($0.iteration, $0.value) }
    svg.line(
      points, color: curve.color, width: curve.isTest ? 2 : 1.2, opacity: curve.isTest ? 1 : 0.55)
    guard curve.isTest else { return }
    for point in points { svg.dot(x: point.x, y: point.y, radius: 2.6, color: curve.color) }
  }

  /// Writes SVG as it is; PNG, twice as large, and PDF through librsvg's converter.
  ///
  /// - Throws: if the converter is not installed, or a file that cannot be written.
  package func write(to path: String) throws {
    let format = try DrawingFormat(path: path)
    guard format != .svg else {
      return try AtomicFile.write(path, text: svg)
    }
    try AtomicFile.write(path) { temporary in
      try ExternalTool.svgConverter.run(
        ["--format", format.rawValue, "--zoom", format == .png ? "2" : "1", "--output", temporary],
        input: svg)
    }
  }
}
