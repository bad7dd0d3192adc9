import CaffeTestSupport
import Foundation
import Testing

/// What SQLite calls anomaly testing: the n-th call to the system fails, for every n until there is no
/// n-th call. Whatever fails, an old file is as it was or replaced in full, no half file and no
/// temporary one stays, and the program says in one line what it could not do.
///
/// `CAFFE_SWIFT_FAULTS=all` tries every kind of call in every mode.
@Suite(.enabled(if: Fault.library != nil, "the shim that makes calls fail needs a C compiler"))
struct FaultTests {
  /// A command that writes files.
  struct Job: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let arguments: [String]
    var solver = ""
    var prepare: @Sendable (Workshop) throws -> Void = { _ in }
  }

  static let resume = ["train", "--solver", "solver.prototxt", "--snapshot"]

  static let jobs =
    [("BINARYPROTO", ""), ("HDF5", ".h5")].map { format, ending in
      Job(
        testDescription: "snapshots, \(format)",
        arguments: resume + ["tiny_iter_1.solverstate\(ending)"],
        solver: "max_iter: 2 snapshot_format: \(format)",
        prepare: { try leaveOlderSnapshots($0, ending) })
    } + [
      Job(
        testDescription: "export to HDF5", arguments: ["export", "w_iter_1.caffemodel", "new.h5"],
        prepare: trainOnce),
      Job(
        testDescription: "export over an older file",
        arguments: ["export", "w_iter_1.caffemodel", "net.prototxt"], prepare: trainOnce),
      Job(
        testDescription: "upgrade-net", arguments: ["upgrade-net", "net.prototxt", "new.prototxt"]),
      Job(
        testDescription: "upgrade-solver",
        arguments: ["upgrade-solver", "solver.prototxt", "solver.prototxt"]),
      Job(
        testDescription: "convert-mnist to LMDB",
        arguments: ["convert-mnist", "images.idx", "labels.idx", "new"]),
      Job(
        testDescription: "convert-mnist to LevelDB",
        arguments: ["convert-mnist", "--backend", "leveldb", "images.idx", "labels.idx", "new"]),
      Job(
        testDescription: "convert-imageset",
        arguments: ["convert-imageset", PackageFolder.path("Tests/Fixtures/"), "list.txt", "new"],
        prepare: { try $0.folder.write("list.txt", "gray.png 0\ngray.jpg 1\n") }),
      Job(
        testDescription: "compute-image-mean",
        arguments: ["compute-image-mean", "data", "mean.binaryproto"]),
      Job(
        testDescription: "extract-features to LMDB",
        arguments: [
          "extract-features", "w_iter_1.caffemodel", "net.prototxt", "ip", "new", "1", "lmdb",
        ], prepare: trainOnce),
      Job(
        testDescription: "extract-features to HDF5",
        arguments: [
          "extract-features", "w_iter_1.caffemodel", "net.prototxt", "ip", "new", "1", "hdf5",
        ], prepare: trainOnce),
      Job(
        testDescription: "convert-cifar to LMDB", arguments: ["convert-cifar", ".", "."],
        prepare: { shop in
          let record = [UInt8](repeating: 7, count: 3073)
          for name in (1...5).map({ "data_batch_\($0).bin" }) + ["test_batch.bin"] {
            try shop.folder.write(name, record)
          }
        }),
      Job(
        testDescription: "parse-log over older tables", arguments: ["parse-log", "run.txt"],
        prepare: { shop in
          try keepLines(shop)
          try shop.folder.write("run.txt.train", "older")
          try shop.folder.write("run.txt.test", "older")
        }),
      Job(
        testDescription: "plot", arguments: ["plot", "new.png", "run.txt"], prepare: keepLines),
      Job(
        testDescription: "draw",
        arguments: ["draw", "net.prototxt", "new.svg", "--shape", "data=7,1,5,5"]),
      Job(
        testDescription: "show-filters",
        arguments: ["show-filters", "w_iter_1.caffemodel", "new.png"], prepare: trainOnce),
      Job(
        testDescription: "report",
        arguments: ["report", "run.txt", "new.html", "--solver", "solver.prototxt"],
        prepare: keepLines),
    ]

  /// Caffe's lines of a run, in `run.txt`.
  @Sendable static func keepLines(_ shop: Workshop) throws {
    try shop.folder.write(
      "once.prototxt",
      "net: \"net.prototxt\" base_lr: 0.05 lr_policy: \"fixed\" max_iter: 3 display: 1 test_iter: 1 test_interval: 2 snapshot_after_train: false"
    )
    try shop.folder.write("run.txt", try shop.run("train", "--solver", "once.prototxt").errors)
  }

  /// Weights to work on.
  @Sendable static func trainOnce(_ shop: Workshop) throws {
    let solver = String(decoding: try shop.folder.read("solver.prototxt"), as: UTF8.self)
    try shop.folder.write(
      "once.prototxt",
      solver.replacing(/max_iter: \d+/, with: "max_iter: 1").replacing("\"tiny\"", with: "\"w\""))
    let outcome = try shop.run("train", "--solver", "once.prototxt")
    guard outcome.status == 0 else { throw Mismatch("\(outcome)") }
  }

  /// A snapshot to go on from, and one of another run that the run will replace.
  static func leaveOlderSnapshots(_ shop: Workshop, _ ending: String) throws {
    let solver = String(decoding: try shop.folder.read("solver.prototxt"), as: UTF8.self)
    for (iterations, seed) in [(2, 4), (1, 3)] {
      try shop.folder.write(
        "older.prototxt",
        solver.replacing("max_iter: 2", with: "max_iter: \(iterations)")
          .replacing("random_seed: 3", with: "random_seed: \(seed)"))
      let outcome = try shop.run("train", "--solver", "older.prototxt")
      guard outcome.status == 0 else { throw Mismatch("\(outcome)") }
    }
    #expect(shop.folder.exists("tiny_iter_2.solverstate" + ending))
  }

  /// The kinds of calls and modes to try.
  static let faults: [Fault] =
    ["open", "write", "fsync", "rename", "mmap"].map { Fault(call: $0) }
    + [Fault(call: "memory", bytes: 1 << 14)]
    + (Fault.all
      ? ["open", "write", "fsync", "rename"].map { Fault(call: $0, mode: .onward) }
        + ["read", "mkdir"].flatMap {
          [Fault(call: $0), Fault(call: $0, mode: .onward)]
        } + [Fault(call: "mmap", mode: .onward), Fault(call: "memory", bytes: 1 << 9)] : [])

  @Test(arguments: jobs)
  func everyCallMayFail(job: Job) throws {
    let trial = try FaultTrial(job)
    var count = 0
    let isSnapshot = job.testDescription.hasPrefix("snapshots")
    for fault in Self.faults {
      // Memory is asked for often, and everywhere in the same way.
      if fault.call == "memory", !isSnapshot && !Fault.all { continue }
      // A sanitizer gives out memory itself.
      if fault.call == "memory", let name = Sanitizer.name {
        print("skipped: memory refused in \(job.testDescription), the \(name) sanitizer's own")
        continue
      }
      count += try trial.exhaust(fault)
    }
    #expect(count > 5, "\(count) calls")
    print("faults: \(count) failing calls in \(job.testDescription)")
  }

  /// Neither is an error: writes go on where they stopped.
  @Test(arguments: jobs)
  func shortAndInterruptedCallsAreTakenUpAgain(job: Job) throws {
    let trial = try FaultTrial(job)
    // Databases and their locks are written by their libraries, and LMDB takes a short write for a full
    // disk.
    let isOurs = !job.testDescription.contains(/LMDB|LevelDB|imageset|mean/)
    var faults = [
      Fault(call: "write", mode: .short), Fault(call: "write", mode: .interrupted),
      Fault(call: "fsync", mode: .interrupted),
    ]
    if Fault.all {
      faults += [
        Fault(call: "open", mode: .interrupted), Fault(call: "read", mode: .interrupted),
        Fault(call: "read", mode: .short),
      ]
    }
    var count = 0
    for fault in faults {
      count += try trial.exhaust(fault) { outcome in
        let isWriting = fault.call != "open" && fault.call != "read"
        #expect(!isOurs || !isWriting || outcome.status == 0, "\(outcome)")
      }
    }
    print("faults: \(count) short or interrupted calls in \(job.testDescription)")
  }

  /// A log that cannot be written any more is no reason to lose the run.
  @Test(arguments: ["--log-json", "--tensorboard", "--run"])
  func logsMayFail(option: String) throws {
    let job = Job(
      testDescription: option, arguments: ["train", "--solver", "solver.prototxt", option, "log"],
      solver: "max_iter: 2 display: 1", prepare: Self.trainOnce)
    let trial = try FaultTrial(job)
    var warnings = 0
    for mode in [Fault.Mode.once, .onward, .interrupted, .short] {
      for number in 1... {
        let (shop, outcome, isReached) = try trial.run(
          Fault(call: "write", mode: mode, number: number))
        guard isReached else { break }
        let isWarned = outcome.log.contains {
          $0.contains("log") && $0.contains("No space left on device; the run goes on")
        }
        warnings += isWarned ? 1 : 0
        #expect(!isWarned || mode != .short && mode != .interrupted)
        if outcome.status != 0 {
          #expect(outcome.status == 1 && outcome.complaints.count == 1, "\(outcome)")
          #expect(mode == .once || mode == .onward, "\(outcome)")
        } else {
          for file in trial.reference where file.key.hasPrefix("tiny") {
            #expect(try shop.folder.read(file.key) == file.value)
          }
        }
        try expectWholeLines(shop)
      }
    }
    #expect(warnings > 2)
  }

  private func expectWholeLines(_ shop: Workshop) throws {
    let name = shop.folder.exists("log/log.json") ? "log/log.json" : "log"
    guard shop.folder.exists(name), let log = try? shop.folder.read(name) else { return }
    for line in log.split(separator: UInt8(ascii: "\n")).dropLast() {
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line)) }
    }
  }
}
