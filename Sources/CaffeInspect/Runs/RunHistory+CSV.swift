extension RunHistory {
  /// Rows as `parse_log.py` writes them: `NumIters,Seconds,LearningRate` and the outputs of the first
  /// row; a value that is not there is empty.
  package static func csv(_ rows: [Row], delimiter: String = ",") -> String {
    guard let first = rows.first else { return "" }
    let names = columns(of: first)
    var lines = [(["NumIters", "Seconds", "LearningRate"] + names)]
    for row in rows {
      let values = Dictionary(
        zip(columns(of: row), row.outputs.map(\.value)), uniquingKeysWith: { first, _ in first })
      lines.append(
        ["\(row.iteration)", text(row.seconds), text(row.learningRate)]
          + names.map { text(values[$0]) })
    }
    return lines.map { $0.joined(separator: delimiter) + "\n" }.joined()
  }

  private static func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
}
