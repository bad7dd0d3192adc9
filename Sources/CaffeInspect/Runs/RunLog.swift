import CaffeErrors

extension RunRecord {
  /// The records of a `--log-json` file, without what a run that went on from a snapshot made again.
  ///
  /// - Throws: a file that is no such log.
  package static func read(_ path: String) throws -> [RunRecord] {
    try withPlace(path) { try read(JSONLines.lines(of: path)) }
  }

  static func read(_ lines: [Substring]) throws -> [RunRecord] {
    let all = try JSONLines.read(RunRecord.self, lines, format: "--log-json")
    var records: [RunRecord] = []
    for record in all {
      if case .start(let start) = record {
        records.removeAll { $0.isMadeAgain(from: start.iteration) }
      }
      records.append(record)
    }
    return records
  }

  /// Whether a run that goes on from the snapshot of `iteration` makes the record once more.
  private func isMadeAgain(from iteration: Int) -> Bool {
    switch self {
    case .start: false
    case .train(let record): record.iteration >= iteration
    case .test(let record): record.iteration >= iteration
    case .snapshot(let record): record.iteration > iteration
    }
  }
}
