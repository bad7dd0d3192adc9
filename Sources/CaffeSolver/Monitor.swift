import CaffeErrors
import CaffeNet
import CaffeSchema

/// Which value of the first test net is its score, and which of two scores is the better one.
struct Monitor {
  /// The output's name, or `loss` for the objective.
  let name: String
  /// Its place among the outputs' values; `nil` for the objective.
  private let line: Int?
  private let isLowerBetter: Bool

  /// - Returns: `nil` if no field of the solver asks for scores.
  /// - Throws: no test net, or an output that there is not or that has several values.
  init?(_ solver: SolverParameter, testNets: [Net]) throws {
    let fields = [
      (solver.hasMonitor, "monitor"), (solver.earlyStopPatience > 0, "early_stop_patience"),
      (solver.snapshotKeepBest, "snapshot_keep_best"),
    ].filter(\.0).map(\.1)
    guard let field = fields.first else { return nil }
    let mistake = { (message: String) in CaffeError(message, places: [solver.place]) }
    guard let net = testNets.first else {
      throw mistake("\(field) needs a test net; set test_iter and test_interval")
    }
    guard solver.hasMonitor else {
      (name, line, isLowerBetter) = ("loss", nil, solver.monitorMode != .max)
      return
    }
    let lines = net.outputLines.indices.filter {
      net.outputLines[$0].blob.name == solver.monitor
    }
    guard let line = lines.first else { throw mistake(Monitor.unknown(solver.monitor, in: net)) }
    guard lines.count == 1 else {
      throw mistake(
        "monitor '\(solver.monitor)' has \(lines.count) values; a score must be a single one")
    }
    name = solver.monitor
    self.line = line
    isLowerBetter =
      switch solver.monitorMode {
      case .min: true
      case .max: false
      case .auto: net.outputLines[line].lossWeight != 0
      }
  }

  private static func unknown(_ name: String, in net: Net) -> String {
    let names = net.outputs.map(\.blob.name)
    let hint =
      NearestName.of(name, among: names).map { "did you mean '\($0)'?" }
      ?? "it has \(names.map { "'\($0)'" }.joined(separator: ", "))"
    return "monitor '\(name)' is not an output of the first test net; \(hint)"
  }

  func score(loss: Float, means: [Float]) -> Float { line.map { means[$0] } ?? loss }

  /// A score that is not a number is never better, and any number is better than none.
  func isBetter(_ score: Float, than best: Float?) -> Bool {
    guard let best else { return !score.isNaN }
    return isLowerBetter ? score < best : score > best
  }
}
