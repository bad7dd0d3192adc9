import CaffeErrors

/// Says in words what Caffe's log lines leave out of a displayed iteration.
package final class VerboseLog: RunSink {
  private let say: (String) -> Void

  /// - Parameter say: takes a line.
  package init(_ say: @escaping (String) -> Void) { self.say = say }

  package func receive(_ record: RunRecord) throws {
    if case .train(let train) = record { say("    " + Self.line(train)) }
  }

  /// `Waited for data: 1.2 ms per iteration (3 %), 640 images/s, peak 166 MB`; a net that reads no data
  /// has not waited.
  package static func line(_ train: RunRecord.Train) -> String {
    var parts: [String] = []
    if let wait = train.dataWaitMs {
      let percent = train.dataWait.map { " (\(Int(($0 * 100).rounded())) %)" } ?? ""
      parts.append("Waited for data: \(Text.number(wait)) ms per iteration\(percent)")
    }
    if let rate = train.imagesPerSecond { parts.append("\(Int(rate.rounded())) images/s") }
    parts.append("peak \(train.peakMb) MB")
    return parts.joined(separator: ", ")
  }
}
