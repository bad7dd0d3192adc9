import CaffeErrors

/// How far a run has come.
package struct RunProgress {
  package let start: RunRecord.Start
  package private(set) var iteration: Int
  /// The training loss of the last record that has one.
  package private(set) var loss: Double?
  /// The single values of the last test of each test net, by name.
  package private(set) var tests: [(name: String, value: Double)] = []

  /// - Throws: records without a beginning.
  package init(_ records: [RunRecord]) throws {
    var start: RunRecord.Start?
    var iteration = 0
    for case .start(let record) in records { start = record }
    guard let start else { throw CaffeError("the log does not tell how the run began") }
    self.start = start
    var last: [Int: RunRecord.Test] = [:]
    for record in records {
      switch record {
      case .start(let record): iteration = max(iteration, record.iteration)
      case .train(let record):
        iteration = max(iteration, record.iteration)
        loss = record.loss
      case .test(let record):
        iteration = max(iteration, record.iteration)
        last[record.net] = record
      case .snapshot(let record): iteration = max(iteration, record.iteration)
      }
    }
    self.iteration = iteration
    for (net, test) in last.sorted(by: { $0.key < $1.key }) {
      let place = net == 0 ? "test" : "test #\(net)"
      for (name, output) in test.outputs.sorted(by: { $0.key < $1.key })
      where output.values.count == 1 {
        tests.append((name: "\(place) \(name)", value: output.values[0]))
      }
    }
  }

  /// `300 of 4,000`.
  package var iterations: String {
    "\(Quantity.grouped(iteration)) of \(Quantity.grouped(start.maxIter))"
  }
}
