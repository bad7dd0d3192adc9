import CaffeErrors

/// How the spread of some values changed in a run: a hill for each iteration, the oldest behind.
///
/// All hills are of one height, since only their places and widths can be compared: a parameter that
/// begins as a constant would leave nothing of the others.
struct HistogramPlot {
  private static let mostHills = 12
  private static let size = (width: 420.0, height: 230.0)
  private static let margins = (left: 28.0, right: 52.0, top: 62.0, bottom: 30.0)
  private static let hill = 36.0

  private let title: String
  private let hills: [(iteration: Int, spread: HistogramRecord.Spread)]

  /// - Parameter hills: by iteration, at least one; of many some are shown, evenly apart.
  init(_ title: String, _ hills: [(iteration: Int, spread: HistogramRecord.Spread)]) {
    precondition(!hills.isEmpty, "no histograms")
    self.title = title
    let last = hills.count - 1
    let shown = min(hills.count, Self.mostHills)
    self.hills = (0..<shown).map { hills[shown == 1 ? last : $0 * last / (shown - 1)] }
  }

  var svg: String {
    let (size, margins) = (Self.size, Self.margins)
    var svg = SVG(width: size.width, height: size.height)
    svg.text(title, x: margins.left, y: 16, size: 15, isBold: true)
    let low = hills.map(\.spread.low).min() ?? 0
    let ticks = AxisTicks(low, hills.map(\.spread.high).max() ?? low, wanted: 3)
    let (left, right) = (margins.left, size.width - margins.right)
    let (top, bottom) = (margins.top, size.height - margins.bottom)
    func across(_ value: Double) -> Double { left + ticks.position(of: value) * (right - left) }
    for tick in ticks.values {
      svg.line([(across(tick), top - Self.hill), (across(tick), bottom)], color: SVG.Paint.grid)
      svg.text(ticks.label(tick), x: across(tick), y: bottom + 18, size: 13, anchor: .middle)
    }
    for (number, hill) in hills.enumerated() {
      let share = hills.count == 1 ? 1 : Double(number) / Double(hills.count - 1)
      let ground = top + share * (bottom - top)
      svg.shape(
        Self.outline(hill.spread, ground: ground, across), color: SVG.Paint.blue,
        opacity: 0.3 + 0.6 * share)
      guard number == 0 || number == hills.count - 1 else { continue }
      svg.text("\(hill.iteration)", x: right + 8, y: ground, size: 13, color: SVG.Paint.faint)
    }
    return svg.document
  }

  private static func outline(
    _ spread: HistogramRecord.Spread, ground: Double, _ across: (Double) -> Double
  ) -> [(x: Double, y: Double)] {
    let counts = merged(spread.counts)
    let most = Double(max(1, counts.max() ?? 1))
    var (left, right) = (across(spread.low), across(spread.high))
    // A constant would have no width.
    if right - left < 3 { (left, right) = (left - 1.5, left + 1.5) }
    let step = (right - left) / Double(max(1, counts.count))
    let tops = counts.enumerated().map { bucket, count in
      (x: left + (Double(bucket) + 0.5) * step, y: ground - hill * Double(count) / most)
    }
    return [(left, ground)] + tops + [(right, ground)]
  }

  /// Fewer and wider buckets, so that about ten values fall into each: a few values in many buckets
  /// look like a comb.
  private static func merged(_ counts: [Int]) -> [Int] {
    let wanted = max(5, counts.reduce(0, +) / 10)
    let width = (counts.count + wanted - 1) / wanted
    return stride(from: 0, to: counts.count, by: max(1, width)).map {
      counts[$0..<min($0 + width, counts.count)].reduce(0, +)
    }
  }
}
