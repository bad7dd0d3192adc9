import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeSolver

/// How the values of a run's parameters and gradients were spread at one iteration; a line of a run
/// folder's `histograms.json`. The names are part of the format.
package struct HistogramRecord: Codable, Equatable, Sendable {
  package var iteration: Int
  package var parameters: [Parameter]

  package struct Parameter: Codable, Equatable, Sendable {
    /// Layer and blob: `conv1/0`.
    package var name: String
    package var weights: Spread
    /// Before the update; nil for a parameter that does not learn.
    package var gradients: Spread?
  }

  /// Counts in buckets of one width from `low` to `high`.
  package struct Spread: Codable, Equatable, Sendable {
    package var low: Double
    package var high: Double
    package var counts: [Int]

    package init(_ values: [Float]) {
      let histogram = Histogram(values)
      low = histogram.low
      high = histogram.high
      counts = histogram.counts.map { Int($0) }
    }
  }

  init(of net: Net, iteration: Int) {
    self.iteration = iteration
    parameters = net.parameters.map { parameter in
      Parameter(
        name: parameter.fullName, weights: Spread(parameter.blob.data.values),
        gradients: parameter.learningRateMultiplier != 0
          ? Spread(parameter.blob.diff.values) : nil)
    }
  }
}

extension NetParameterBlob {
  /// Layer and blob: `conv1/0`.
  var fullName: String { "\(layer)/\(displayName)" }
}

/// Writes a `HistogramRecord` every `interval` iterations, a line each, each line at once.
package final class HistogramLog: RunSink {
  private let lines: JSONLines
  private let interval: Int

  /// - Parameter continuing: whether to go on where an older file ends, rather than replace it.
  package init(_ path: String, interval: Int, continuing: Bool) throws {
    precondition(interval > 0, "an interval of \(interval)")
    lines = try JSONLines(path, continuing: continuing)
    self.interval = interval
  }

  package func receive(_ record: RunRecord) throws {}

  package func observe(_ iteration: TrainingMoment, of solver: Solver) throws {
    guard iteration.iteration % interval == 0 else { return }
    try lines.append(HistogramRecord(of: solver.net, iteration: iteration.iteration))
  }

  /// The records of a file, by iteration; where a run went on from a snapshot, the later ones.
  package static func read(_ path: String) throws -> [HistogramRecord] {
    var records: [HistogramRecord] = []
    try withPlace(path) {
      let lines = try JSONLines.lines(of: path)
      for record in try JSONLines.read(
        HistogramRecord.self, lines, format: "a run's histograms")
      {
        records.removeAll { $0.iteration >= record.iteration }
        records.append(record)
      }
    }
    return records
  }
}
