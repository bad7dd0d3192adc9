import CaffeTestSupport
import Foundation

/// A call to the system that fails: what `Tests/Fixtures/faults.c`, loaded before the program, makes of
/// it.
struct Fault: CustomStringConvertible {
  enum Mode: String { case once, onward, short, interrupted }

  let call: String
  var mode = Mode.once
  /// The number of the call, from 1.
  var number = 1
  /// Of requests of memory, those of fewer bytes do not count.
  var bytes = 0

  var description: String { "\(call) \(number) (\(mode.rawValue))" }

  /// Every one rather than those that find most.
  static let all = ProcessInfo.processInfo.environment["CAFFE_SWIFT_FAULTS"] == "all"

  /// The shim, compiled; `nil` without a compiler.
  static let library = Shim("faults.c")

  /// Runs the program with this fault.
  ///
  /// - Returns: what became of it, and whether there were as many calls as that.
  func run(
    _ arguments: [String], in folder: TemporaryFolder
  ) throws -> (outcome: Outcome, isReached: Bool) {
    let reports = try TemporaryFolder()
    var environment = [
      "LD_PRELOAD": Fault.library?.path ?? "", "FAULT_CALL": call, "FAULT_AT": "\(number)",
      "FAULT_MODE": mode.rawValue, "FAULT_BYTES": "\(bytes)",
      "FAULT_REPORT": reports("report"),
    ]
    // A library of the system that does not look whether it was given memory ends the process by a
    // signal, which a sanitizer would report as a finding.
    if call == "mmap" {
      for name in ["ASAN_OPTIONS", "TSAN_OPTIONS"] {
        let options = ProcessInfo.processInfo.environment[name].map { $0 + ":" } ?? ""
        environment[name] = options + "handle_segv=0"
      }
    }
    let outcome = try Run(arguments, in: folder, environment: environment).outcome()
    return (outcome, reports.exists("report"))
  }
}
