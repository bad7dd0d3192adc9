import Caffe
import Glibc
import Logging

/// Writes log lines as glog does, so that Caffe's log parsers work:
/// `I0210 13:39:22.381027 25210 Solver.swift:204] Solving LeNet`.
struct GlogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  init(label: String) {}

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var local = tm()
    localtime_r(&now.tv_sec, &local)
    let file = event.file.split(separator: "/").last ?? ""
    let date = GlogHandler.padded(local.tm_mon + 1, 2) + GlogHandler.padded(local.tm_mday, 2)
    let time = [local.tm_hour, local.tm_min, local.tm_sec]
      .map { GlogHandler.padded($0, 2) }.joined(separator: ":")
    let micros = GlogHandler.padded(Int32(now.tv_nsec / 1000), 6)
    TerminalLine.clear()
    StandardError.write(
      "\(letter(event.level))\(date) \(time).\(micros) \(getpid()) \(file):\(event.line)] \(event.message)\n"
    )
  }

  private func letter(_ level: Logger.Level) -> Character {
    switch level {
    case .trace, .debug, .info, .notice: "I"
    case .warning: "W"
    case .error: "E"
    case .critical: "F"
    }
  }

  private static func padded(_ number: Int32, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
