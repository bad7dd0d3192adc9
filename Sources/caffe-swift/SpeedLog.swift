import Caffe
import Logging

/// Adds the speed since the last displayed iteration to Caffe's lines, and what of the time was spent
/// waiting for data.
final class SpeedLog: RunSink {
  private let log: Logger

  init(_ log: Logger) { self.log = log }

  func receive(_ record: RunRecord) {
    guard case .train(let train) = record else { return }
    var parts: [String] = []
    if let rate = train.imagesPerSecond { parts.append("\(Int(rate.rounded())) images/s") }
    if let wait = train.dataWait, let milliseconds = train.dataWaitMs {
      parts.append(
        "\(Int((100 * wait).rounded())) % of the time waiting for data "
          + "(\(Text.number(milliseconds)) ms an iteration)")
    }
    if !parts.isEmpty { log.info("    Speed: \(parts.joined(separator: ", "))") }
  }
}
