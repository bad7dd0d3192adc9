import Caffe
import Foundation
import Logging

/// Tells how far a tool is: on a terminal one line that is written over, with the rate and the time
/// left; otherwise a log line every 1000 items, in the words of Caffe's tools. Silent in the first
/// second.
final class Progress {
  private static let linesApart = 1000
  private static let secondsApart = 0.1

  private let noun: String
  private let total: Int?
  private let log = Logger(label: "caffe")
  private let start = Date()
  private var shown = Date.distantPast
  private var done = 0
  private var hasLine = false

  /// - Parameters:
  ///   - noun: what is counted: `images`.
  ///   - total: how many there will be, if known.
  init(_ noun: String, of total: Int? = nil) {
    self.noun = noun
    self.total = total
  }

  /// Says that so many items are done.
  func update(_ done: Int) {
    self.done = done
    guard TerminalLine.isTerminal else {
      if done % Progress.linesApart == 0, -start.timeIntervalSinceNow >= 1 { logDone() }
      return
    }
    // Looking at the clock for each item would cost more than some items.
    guard done % 16 == 0, -start.timeIntervalSinceNow >= 1,
      -shown.timeIntervalSinceNow >= Progress.secondsApart
    else { return }
    shown = Date()
    show()
  }

  /// Ends the line.
  func finish() {
    if hasLine {
      show()
      TerminalLine.finish()
    } else if !TerminalLine.isTerminal, done % Progress.linesApart != 0,
      -start.timeIntervalSinceNow >= 1
    {
      logDone()
    }
  }

  private func logDone() { log.info("Processed \(done) \(noun).") }

  private func show() {
    hasLine = true
    TerminalLine.show(Progress.line(done, of: total, noun, seconds: -start.timeIntervalSinceNow))
  }

  /// `1200 of 5000 images, 400 a second, 9 s left`
  static func line(_ done: Int, of total: Int?, _ noun: String, seconds: Double) -> String {
    let rate = Double(done) / seconds
    let count = total.map { "\(done) of \($0)" } ?? "\(done)"
    let line = "\(count) \(noun), \(Int(rate.rounded())) a second"
    guard let total, rate > 0 else { return line }
    return line + ", \(Int((Double(total - done) / rate).rounded(.up))) s left"
  }
}
