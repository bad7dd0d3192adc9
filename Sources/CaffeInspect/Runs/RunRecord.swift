import CaffeErrors

/// What a run was at one of its iterations; a line of `--log-json`. The names are part of the format.
package enum RunRecord: Equatable {
  /// How the run began, or went on from a snapshot.
  case start(Start)
  case train(Train)
  case test(Test)
  case snapshot(Snapshot)

  package struct Start: Codable, Equatable {
    package var net: String
    package var iteration: Int
    package var maxIter: Int
    /// Images, or other items, of one iteration; 0 if no layer tells.
    package var batch: Int
    package var type: String
    package var seed: UInt64
  }

  package struct Train: Codable, Equatable {
    package var iteration: Int
    /// The mean of the last `average_loss` objectives.
    package var loss: Double
    package var outputs: [String: OutputValues]
    package var lr: Double
    /// Since the run began or went on.
    package var seconds: Double
    /// Since the record before, tests left out.
    package var imagesPerSecond: Double?
    /// The share of that time for which the net waited for its data.
    package var dataWait: Double?
    /// How long the net waited for its data in each iteration since the record before, on average.
    package var dataWaitMs: Double?
    /// The most memory the process has had, in MiB.
    package var peakMb: Int
  }

  package struct Test: Codable, Equatable {
    package var iteration: Int
    /// The number of the test net.
    package var net: Int
    package var loss: Double
    package var outputs: [String: OutputValues]
    package var seconds: Double
  }

  package struct Snapshot: Codable, Equatable {
    package var iteration: Int
    package var path: String
    package var seconds: Double
  }
}

/// The values of an output: a number in JSON if there is one, else a list.
package struct OutputValues: Codable, Equatable {
  package var values: [Double]

  package init(_ values: [Double]) { self.values = values }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    values = try (try? container.decode([Double].self)) ?? [container.decode(Double.self)]
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if values.count == 1 { try container.encode(values[0]) } else { try container.encode(values) }
  }
}

extension RunRecord: Codable {
  private enum Key: String, CodingKey { case kind }
  private enum Kind: String, Codable { case start, train, test, snapshot }

  package init(from decoder: any Decoder) throws {
    switch try decoder.container(keyedBy: Key.self).decode(Kind.self, forKey: .kind) {
    case .start: self = .start(try Start(from: decoder))
    case .train: self = .train(try Train(from: decoder))
    case .test: self = .test(try Test(from: decoder))
    case .snapshot: self = .snapshot(try Snapshot(from: decoder))
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    switch self {
    case .start(let start):
      try container.encode(Kind.start, forKey: .kind)
      try start.encode(to: encoder)
    case .train(let train):
      try container.encode(Kind.train, forKey: .kind)
      try train.encode(to: encoder)
    case .test(let test):
      try container.encode(Kind.test, forKey: .kind)
      try test.encode(to: encoder)
    case .snapshot(let snapshot):
      try container.encode(Kind.snapshot, forKey: .kind)
      try snapshot.encode(to: encoder)
    }
  }
}
