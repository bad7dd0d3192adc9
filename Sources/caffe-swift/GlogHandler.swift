import Caffe
import Glibc
import Logging

/// Writes log lines as glog does, so that Caffe's log parsers work:
/// `I0210 13:39:22.381027 25210 Solver.swift:204] Solving LeNet`.
struct GlogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  private let least: Logger.Level
  private let file: LogFile?

  /// - Parameters:
  ///   - least: below it lines are not written, whatever a logger's own level is.
  ///   - file: has the lines too.
  init(from least: Logger.Level, file: LogFile?) {
    self.least = least
    self.file = file
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    guard event.level >= least else { return }
    let source = event.file.split(separator: "/").last ?? ""
    let line =
      "\(letter(event.level))\(LogTime().text) \(getpid()) \(source):\(event.line)] \(event.message)\n"
    TerminalLine.clear()
    StandardError.write(line)
    file?.write(line)
  }

  private func letter(_ level: Logger.Level) -> Character {
    switch level {
    case .trace, .debug, .info, .notice: "I"
    case .warning: "W"
    case .error: "E"
    case .critical: "F"
    }
  }
}
