import CaffeErrors
import CaffeInspect
import Foundation

/// The parts of a run's report, made again when the files they come from have changed.
actor LiveRun {
  private struct Part {
    var stamp: String
    var version: Int
    var content: HTML
  }

  /// Passes over the test set go deep into nets.
  private static let stackSize = 8 << 20

  nonisolated let name: String
  /// When the run's folder was made, so far as one can tell.
  nonisolated let began: Date
  private let report: RunReport
  private var parts: [ReportPart: Part] = [:]
  private var row: (stamp: String, cells: [HTML])?
  private var weights: (stamp: String, path: String?)?
  /// The weights that have been tested, or are being.
  private var tested = ""
  private var evaluation: Result<Evaluation, CaffeError>
  /// Counts evaluations.
  private var evaluations = 0
  private var isEvaluating = false

  init(_ report: RunReport, name: String) {
    self.report = report
    self.name = name
    let facts = try? FileManager.default.attributesOfItem(atPath: report.log)
    began = facts?[.creationDate] as? Date ?? facts?[.modificationDate] as? Date ?? .distantPast
    evaluation = .failure(CaffeError("the run has taken no snapshot yet"))
  }

  /// A number for each part, which grows when the part changes.
  func versions() -> [String: Int] {
    refresh()
    return Dictionary(uniqueKeysWithValues: parts.map { ($0.key.rawValue, $0.value.version) })
  }

  /// The parts as they were last made.
  func sections() -> [ReportSection] {
    if parts.isEmpty { refresh() }
    return ReportPart.ofARun.map {
      ReportSection($0, parts[$0]?.content ?? "", version: parts[$0]?.version ?? 0)
    }
  }

  /// The run's row in the table of runs.
  func row(address: String) -> [HTML] {
    let stamp = Self.stamp(of: [report.log])
    if let row, row.stamp == stamp { return row.cells }
    let cells = report.row(address: address)
    row = (stamp, cells)
    return cells
  }

  private func refresh() {
    let weights = newestWeights()
    evaluateIfNew(weights)
    for part in ReportPart.ofARun {
      var stamp = Self.stamp(of: report.files(of: part, weights: weights))
      if part.needsEvaluation { stamp += " \(evaluations)" }
      guard parts[part]?.stamp != stamp else { continue }
      parts[part] = Part(
        stamp: stamp, version: (parts[part]?.version ?? 0) + 1,
        content: report.content(of: part, evaluation))
    }
  }

  private func newestWeights() -> String? {
    let stamp = Self.stamp(of: [report.log])
    if let weights, weights.stamp == stamp { return weights.path }
    let path = try? report.weights()
    weights = (stamp, path)
    return path
  }

  /// Tests each snapshot once, beside the run; what comes meanwhile waits, and only the newest counts.
  private func evaluateIfNew(_ weights: String?) {
    guard let weights, !isEvaluating else { return }
    let stamp = Self.stamp(of: [weights])
    guard stamp != tested else { return }
    tested = stamp
    isEvaluating = true
    if evaluations == 0 {
      evaluation = .failure(CaffeError("the first snapshot is being tested"))
    }
    let report = report
    let thread = Thread {
      let result = report.evaluate()
      Task { await self.finish(result) }
    }
    thread.stackSize = Self.stackSize
    thread.start()
  }

  private func finish(_ result: Result<Evaluation, CaffeError>) {
    evaluation = result
    evaluations += 1
    isEvaluating = false
  }

  /// Changes when a file does.
  private static func stamp(of files: [String]) -> String {
    files.map { path in
      let facts = try? FileManager.default.attributesOfItem(atPath: path)
      let date = (facts?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
      return "\(path) \(facts?[.size] as? Int ?? -1) \(date)"
    }.joined(separator: "\n")
  }
}
