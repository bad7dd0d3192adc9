import CaffeErrors

/// What one line tells of a run under way.
package struct LiveStatus {
  private let iterations: Int
  private let itemsPerIteration: Int
  private let firstIteration: Int
  private var losses: [Float] = []
  private var score = ""
  /// The share of time spent waiting for data.
  private var dataWait = 0.0

  /// - Parameter start: the run's first record.
  package init(_ start: RunRecord.Start) {
    iterations = start.maxIter
    itemsPerIteration = start.batch
    firstIteration = start.iteration
  }

  /// How many losses the trend shows.
  private static let trendLength = 24

  package mutating func add(loss: Float) {
    losses.append(loss)
    if losses.count > Self.trendLength { losses.removeFirst() }
  }

  package mutating func add(_ train: RunRecord.Train) {
    add(loss: Float(train.loss))
    dataWait = train.dataWait ?? 0
  }

  /// Keeps the outputs of the first test net.
  package mutating func add(_ test: RunRecord.Test) {
    guard test.net == 0 else { return }
    score = "test " + Self.text(test.outputs)
  }

  /// `accuracy 0.91, loss 0.25`: outputs of one value each.
  package static func text(_ outputs: [String: OutputValues]) -> String {
    outputs.filter { $0.value.values.count == 1 }.sorted { $0.key < $1.key }
      .map { "\($0.key) \(Text.number(($0.value.values[0] * 1e4).rounded() / 1e4))" }
      .joined(separator: ", ")
  }

  /// `1200 of 10000 · loss 0.231 ▇▅▃▂▁ · test accuracy 0.91 · lr 0.0093 · 2900 images/s · 3 min left`
  ///
  /// - Parameter seconds: since the run began, or went on.
  package func line(
    iteration: Int, loss: Float, learningRate: Float, seconds: Double, style: TerminalStyle
  ) -> String {
    let done = iteration - firstIteration
    let rate = seconds > 0 ? Double(done) / seconds : 0
    var parts = [
      "\(iteration) of \(iterations)",
      "loss \(style.bold(Text.number((Double(loss) * 1e4).rounded() / 1e4))) \(Self.trend(losses))",
    ]
    if !score.isEmpty { parts.append(style.green(score)) }
    parts.append("lr \(Text.number(learningRate))")
    if rate > 0 {
      if itemsPerIteration > 0 {
        parts.append("\(Int((rate * Double(itemsPerIteration)).rounded())) images/s")
      }
      let percent = Int((dataWait * 100).rounded())
      if percent > 0 { parts.append("\(percent) % waiting for data") }
      parts.append(Self.duration(Double(iterations - iteration) / rate) + " left")
    }
    return parts.joined(separator: style.dim(" · "))
  }

  /// A bar for each value, from the least to the largest; a blank for what is no number.
  package static func trend(_ values: [Float]) -> String {
    let bars = Array("▁▂▃▄▅▆▇█")
    let finite = values.filter(\.isFinite)
    guard let least = finite.min(), let largest = finite.max() else { return "" }
    let step = (largest - least) / Float(bars.count)
    return String(
      values.map { value in
        guard value.isFinite else { return " " }
        return step > 0 ? bars[min(bars.count - 1, Int((value - least) / step))] : bars[0]
      })
  }

  /// `45 s`, `3 min 20 s`, `5 h 12 min`, `2 d 3 h`.
  package static func duration(_ seconds: Double) -> String {
    let whole = Int(min(max(0, seconds.rounded(.up)), 1e9))
    let units = [(86400, "d"), (3600, "h"), (60, "min"), (1, "s")]
    guard let first = units.firstIndex(where: { whole >= $0.0 }) else { return "0 s" }
    let head = "\(whole / units[first].0) \(units[first].1)"
    guard first + 1 < units.count else { return head }
    let rest = whole % units[first].0 / units[first + 1].0
    return rest > 0 ? "\(head) \(rest) \(units[first + 1].1)" : head
  }
}

/// Colours and weights of text, where they are wanted.
package struct TerminalStyle {
  private let isOn: Bool

  /// - Parameters:
  ///   - isTerminal: whether somebody looks.
  ///   - environment: `NO_COLOR`, if it is set to anything but nothing, and `TERM=dumb` switch styles off.
  package init(isTerminal: Bool, environment: [String: String]) {
    isOn =
      isTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
  }

  package func bold(_ text: String) -> String { styled(1, text) }
  package func dim(_ text: String) -> String { styled(2, text) }
  package func green(_ text: String) -> String { styled(32, text) }

  private func styled(_ code: Int, _ text: String) -> String {
    isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
  }
}
