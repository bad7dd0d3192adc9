import CaffeErrors

/// The curves of a run, read from a log: ours (`--log-json`) or Caffe's.
package struct RunHistory: Equatable {
  package struct Row: Equatable {
    package var iteration: Int
    /// Since the run began; nil if the log does not tell.
    package var seconds: Double?
    package var learningRate: Double?
    /// In the order of the log; an output of several values as one entry for each, of one name.
    package var outputs: [(name: String, value: Double)]

    package init(
      iteration: Int, seconds: Double?, learningRate: Double?,
      outputs: [(name: String, value: Double)]
    ) {
      self.iteration = iteration
      self.seconds = seconds
      self.learningRate = learningRate
      self.outputs = outputs
    }

    package static func == (a: Row, b: Row) -> Bool {
      a.iteration == b.iteration && a.seconds == b.seconds && a.learningRate == b.learningRate
        && a.outputs.elementsEqual(b.outputs, by: ==)
    }
  }

  package var train: [Row] = []
  package var test: [Row] = []

  package init() {}

  /// - Throws: a file that is no log of either kind.
  package init(contentsOf path: String) throws {
    let lines = try JSONLines.lines(of: path)
    if lines.first?.first == "{" {
      self = RunHistory(try withPlace(path) { try RunRecord.read(lines) })
    } else {
      self = CaffeLogReader.read(lines)
    }
    guard !train.isEmpty || !test.isEmpty else {
      throw CaffeError(
        "no iterations in it; a log of caffe-swift train, of Caffe, or of --log-json is wanted",
        places: [path])
    }
  }

  /// The name of the value at `index` of a row: `accuracy`, or `accuracy[2]` of an output with several.
  package static func columns(of row: Row) -> [String] {
    let counts = Dictionary(row.outputs.map { ($0.name, 1) }, uniquingKeysWith: +)
    var seen: [String: Int] = [:]
    return row.outputs.map { output in
      guard counts[output.name] != 1 else { return output.name }
      defer { seen[output.name, default: 0] += 1 }
      return "\(output.name)[\(seen[output.name, default: 0])]"
    }
  }
}

extension RunHistory {
  package init(_ records: [RunRecord]) {
    for record in records { add(record) }
  }

  /// A run that went on from a snapshot writes some iterations again: the later ones count.
  package mutating func add(_ record: RunRecord) {
    switch record {
    case .start(let start):
      train.removeAll { $0.iteration >= start.iteration }
      test.removeAll { $0.iteration >= start.iteration }
    case .train(let record):
      train.append(
        Row(
          iteration: record.iteration, seconds: record.seconds, learningRate: record.lr,
          outputs: Self.flat(record.outputs)))
    case .test(let record):
      test.append(
        Row(
          iteration: record.iteration, seconds: record.seconds,
          learningRate: train.last?.learningRate, outputs: Self.flat(record.outputs)))
    case .snapshot: break
    }
  }

  private static func flat(_ outputs: [String: OutputValues]) -> [(name: String, value: Double)] {
    outputs.sorted { $0.key < $1.key }.flatMap { name, output in
      output.values.map { (name: name, value: $0) }
    }
  }
}
