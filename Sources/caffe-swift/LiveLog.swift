import ArgumentParser
import Caffe
import Foundation

/// What `train` writes to standard error.
enum LogStyle: String, ExpressibleByArgument, CaseIterable {
  /// Caffe's lines.
  case caffe
  /// One line that is written over, and one that stays for each test and snapshot.
  case live
}

/// Shows a run on the terminal as it goes.
final class LiveLog: RunSink {
  private static let secondsApart = 0.1

  private let style = TerminalStyle(
    isTerminal: TerminalLine.isTerminal, environment: ProcessInfo.processInfo.environment)
  private var status: LiveStatus?
  private var start = Date()
  private var shown = Date.distantPast

  func receive(_ record: RunRecord) throws {
    switch record {
    case .start(let start):
      status = LiveStatus(start)
      self.start = Date()
      say(
        "training \(start.net) with \(start.type), iteration \(start.iteration) to \(start.maxIter)"
      )
    case .train(let record): status?.add(record)
    case .test(let record):
      status?.add(record)
      say(
        "iteration \(record.iteration): test net #\(record.net) \(LiveStatus.text(record.outputs))")
    case .snapshot(let record): say("iteration \(record.iteration): wrote \(record.path)")
    }
  }

  func observe(_ iteration: TrainingMoment, of solver: Solver) throws {
    guard let status, -shown.timeIntervalSinceNow >= Self.secondsApart else { return }
    shown = Date()
    TerminalLine.show(
      status.line(
        iteration: iteration.iteration + 1, loss: iteration.averageLoss,
        learningRate: iteration.learningRate, seconds: -start.timeIntervalSinceNow, style: style))
  }

  private func say(_ text: String) {
    TerminalLine.clear()
    StandardError.write(text + "\n")
  }
}
