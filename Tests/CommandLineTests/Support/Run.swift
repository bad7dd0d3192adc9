import CaffeTestSupport
import Foundation
import Testing

/// What became of a run of the program.
struct Outcome: CustomStringConvertible {
  let status: Int32
  let output: String
  let errors: String

  private static func isLog(_ line: Substring) -> Bool {
    line.prefixMatch(of: /[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ \S+:\d+\][ ]/) != nil
  }

  /// The lines of the log, without what glog writes before them.
  var log: [String] {
    errors.split(separator: "\n").filter(Outcome.isLog).compactMap { line in
      line.firstRange(of: "] ").map { String(line[$0.upperBound...]) }
    }
  }

  /// What else is on standard error.
  var complaints: [String] {
    errors.split(separator: "\n").filter { !Outcome.isLog($0) }.map(String.init)
  }

  /// The lines of standard output.
  var lines: [String] { output.split(separator: "\n").map(String.init) }

  var description: String { "status \(status)\n\(output)\(errors)" }
}

/// A run of the built program.
final class Run {
  private let process = Process()
  private let logs: TemporaryFolder

  /// - Parameter environment: added to that of the tests.
  convenience init(
    _ arguments: [String], in folder: TemporaryFolder, environment: [String: String] = [:]
  ) throws {
    try self.init(BuiltProgram.path, arguments, in: folder, environment: environment)
  }

  /// Runs a line of bash, in which `$0` is the program.
  convenience init(shell line: String, in folder: TemporaryFolder) throws {
    try self.init("/bin/bash", ["-c", line, BuiltProgram.path], in: folder)
  }

  private init(
    _ executable: String, _ arguments: [String], in folder: TemporaryFolder,
    environment added: [String: String] = [:]
  ) throws {
    logs = try TemporaryFolder()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    var environment = ProcessInfo.processInfo.environment
    environment["OMP_WAIT_POLICY"] = "passive"
    // Beside other tests a measurement would tell nothing.
    environment["CAFFE_SWIFT_CHOICES"] = "none"
    process.environment = environment.merging(added) { $1 }
    // Files rather than pipes: a full pipe would stop the program.
    process.standardOutput = try Run.handle(logs, "output")
    process.standardError = try Run.handle(logs, "errors")
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  private static func handle(_ folder: TemporaryFolder, _ name: String) throws -> FileHandle {
    try folder.write(name, "")
    return try FileHandle(forWritingTo: URL(fileURLWithPath: folder(name)))
  }

  /// Standard error up to now.
  var errors: String { get throws { String(decoding: try logs.read("errors"), as: UTF8.self) } }

  /// Standard output up to now.
  var output: String { get throws { String(decoding: try logs.read("output"), as: UTF8.self) } }

  deinit { if process.isRunning { send(SIGKILL) } }

  var isRunning: Bool { process.isRunning }

  /// The processes that the program has started to read files. (A sanitizer starts one of its own.)
  var readers: [pid_t] {
    get throws {
      let parent = process.processIdentifier
      return try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
        // The second field after the program's name in brackets is the parent.
        let status = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8)
        let fields = status?.split(separator: ")").last?.split(separator: " ")
        guard let fields, fields.count > 1, Int32(fields[1]) == parent else { return nil }
        let line = try? String(contentsOfFile: "/proc/\(name)/cmdline", encoding: .utf8)
        return line?.contains("--read-files-for-parent-process") == true ? pid_t(name) : nil
      }
    }
  }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// Waits until standard error contains `text` `count` times; fails after a minute.
  func wait(for text: String, count: Int = 1) throws {
    let end = Date(timeIntervalSinceNow: 60)
    while try errors.ranges(of: text).count < count {
      guard isRunning, Date() < end else {
        throw Mismatch("'\(text)' did not come: \(try errors)")
      }
      usleep(2000)
    }
  }

  /// Runs the program to its end in a folder of its own.
  static func once(_ arguments: String...) throws -> Outcome {
    try Run(arguments, in: TemporaryFolder()).outcome()
  }

  /// Waits for the end; a program that has not ended by itself after five minutes is killed.
  func outcome() throws -> Outcome {
    let latest = Date(timeIntervalSinceNow: 300)
    while isRunning && Date() < latest { usleep(1000) }
    if isRunning { send(SIGKILL) }
    process.waitUntilExit()
    return Outcome(
      status: process.terminationReason == .exit
        ? process.terminationStatus : -process.terminationStatus,
      output: try output, errors: try errors)
  }
}

/// Runs `body` with the path of a new folder that is gone afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
  let folder = try TemporaryFolder()
  try withExtendedLifetime(folder) { try body(folder.path) }
}

/// A folder with an LMDB, a net and a solver, and the program to run on them.
struct Workshop {
  let folder: TemporaryFolder

  /// - Parameters:
  ///   - net: changes to the net's text, old to new.
  ///   - solver: fields added to the solver; those it has by default give way.
  init(net: [(String, String)] = [], solver: String = "") throws {
    folder = try TemporaryFolder()
    try SmallData.writeLMDB(to: folder)
    try folder.write(
      "net.prototxt",
      net.reduce(Workshop.net) { text, change in
        precondition(text.contains(change.0), "the net has no \(change.0)")
        return text.replacingOccurrences(of: change.0, with: change.1)
      })
    let defaults = Workshop.solver.filter { field in
      !(" " + solver).contains(" " + field.prefix { $0 != ":" } + ":")
    }
    try folder.write("solver.prototxt", (defaults + [solver, ""]).joined(separator: "\n"))
  }

  init(folder: TemporaryFolder) { self.folder = folder }

  @discardableResult
  func run(_ arguments: String...) throws -> Outcome { try run(arguments) }

  func run(_ arguments: [String]) throws -> Outcome {
    try Run(arguments, in: folder).outcome()
  }

  /// A field a line.
  static let solver = [
    "net: \"net.prototxt\"", "base_lr: 0.05", "momentum: 0.9", "weight_decay: 0.001",
    "lr_policy: \"inv\" gamma: 0.1 power: 0.5", "random_seed: 3", "max_iter: 6",
    "snapshot_prefix: \"tiny\"",
  ]

  /// Eight lines, so that errors have a line of their own to name.
  static let net = """
    name: "tiny"
    layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } transform_param { scale: 0.00390625 crop_size: 5 mirror: true } data_param { source: "data" batch_size: 7 backend: LMDB } }
    layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST } transform_param { scale: 0.00390625 crop_size: 5 } data_param { source: "data" batch_size: 8 backend: LMDB } }
    layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
    layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" }
    layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
    layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }

    """
}
