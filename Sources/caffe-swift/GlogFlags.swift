import ArgumentParser
import Foundation
import Logging

/// What glog's flags, or else variables like GLOG_minloglevel, ask for.
///
/// The log always goes to standard error, as Caffe's does. Caffe has no lines for `-v` to show.
struct GlogFlags {
  private static let valued: Set = [
    "minloglevel", "log-dir", "stderrthreshold", "v", "vmodule", "logbuflevel", "logbufsecs",
    "max-log-size", "log-backtrace-at", "log-link",
  ]
  static let names = valued.union([
    "logtostderr", "alsologtostderr", "colorlogtostderr", "log-prefix", "nolog-prefix",
    "nologtostderr", "noalsologtostderr", "stop-logging-if-full-disk",
  ])

  static func takesValue(_ name: String) -> Bool { valued.contains(name) }

  /// Below it lines are not written.
  let leastLevel: Logger.Level
  /// Where a file is to have the log too.
  let logFolder: String?

  /// - Throws: a level that is no number.
  init(
    _ flags: [String: String],
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    func value(_ name: String) -> String? {
      let given = flags[name] ?? environment["GLOG_" + name.replacing("-", with: "_")]
      return given.flatMap { $0.isEmpty ? nil : $0 }
    }
    let level = value("minloglevel") ?? "0"
    guard let number = Int(level) else {
      throw ValidationError("minloglevel must be a number, got '\(level)'")
    }
    let levels: [Logger.Level] = [.trace, .warning, .error, .critical]
    leastLevel = levels[min(max(number, 0), levels.count - 1)]
    let isForStandardError = ["true", "t", "1", "yes", "y"]
      .contains(value("logtostderr")?.lowercased() ?? "")
    logFolder = isForStandardError ? nil : value("log-dir")
  }
}
