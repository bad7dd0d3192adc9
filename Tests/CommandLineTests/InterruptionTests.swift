import CaffeTestSupport
import Foundation
import Testing

/// Signals, and runs cut off at any moment: a resumed run is the run that was not interrupted.
@Suite struct InterruptionTests {
  static let stops = [(SIGINT, ""), (SIGTERM, ""), (SIGHUP, "--sighup-effect=stop")]

  @Test(arguments: stops)
  func stopSignalsStopWithASnapshot(signal: Int32, flag: String) throws {
    let shop = try Workshop(solver: "max_iter: 100000000 display: 1 snapshot_prefix: \"tiny\"")
    let arguments = ["train", "--solver", "solver.prototxt"] + (flag.isEmpty ? [] : [flag])
    let run = try Run(arguments, in: shop.folder)
    try run.wait(for: "Iteration 2 ")
    run.send(signal)
    let outcome = try run.outcome()
    #expect(outcome.status == 0 && outcome.complaints.isEmpty, "\(outcome.complaints)")
    #expect(outcome.log.suffix(2) == ["Optimization stopped early.", "Optimization Done."])
    let files = try shop.folder.names().filter { $0.hasPrefix("tiny_iter") }
    #expect(files.count == 2)
    let state = try #require(files.last)
    let resumed = try Run(arguments + ["--snapshot", state], in: shop.folder)
    let iteration = try #require(state.split { !$0.isNumber }.first)
    try resumed.wait(for: "Iteration \(iteration) ")
    resumed.send(SIGKILL)
    #expect(try resumed.outcome().status == -SIGKILL)
  }

  @Test func hangUpTakesASnapshotAndGoesOn() throws {
    let shop = try Workshop(solver: "max_iter: 100000000 snapshot_prefix: \"tiny\"")
    let run = try Run(["train", "--solver", "solver.prototxt"], in: shop.folder)
    try run.wait(for: "Starting Optimization")
    for count in 1...2 {
      run.send(SIGHUP)
      try run.wait(for: "Snapshotting solver state", count: count)
    }
    #expect(run.isRunning)
    run.send(SIGINT)
    let outcome = try run.outcome()
    #expect(outcome.status == 0 && outcome.log.contains("Optimization stopped early."))
  }

  @Test(arguments: ["snapshot", "none"])
  func anotherEffectOfInterruptCanBeAskedFor(effect: String) throws {
    let shop = try Workshop(solver: "max_iter: 100000000 iter_size: 50 snapshot_prefix: \"tiny\"")
    let run = try Run(
      ["train", "--solver", "solver.prototxt", "-sigint_effect", effect], in: shop.folder)
    try run.wait(for: "Starting Optimization")
    // Several at once are one request, and no reason to leave.
    for _ in 0..<5 { run.send(SIGINT) }
    if effect == "snapshot" {
      try run.wait(for: "Snapshotting solver state")
    } else {
      usleep(200_000)
    }
    #expect(run.isRunning)
    run.send(SIGKILL)
    #expect(
      try run.outcome().log.contains { $0.hasPrefix("Snapshotting") } == (effect == "snapshot"))
  }

  /// Whoever sends SIGTERM (`timeout`, a scheduler) wants an end, whatever Ctrl-C does.
  @Test(arguments: ["snapshot", "none"]) func terminationEndsTheRun(effect: String) throws {
    let shop = try Workshop(solver: "max_iter: 100000000 snapshot_prefix: \"tiny\"")
    let run = try Run(
      ["train", "--solver", "solver.prototxt", "-sigint_effect", effect], in: shop.folder)
    try run.wait(for: "Starting Optimization")
    run.send(SIGTERM)
    let outcome = try run.outcome()
    #expect(outcome.status == (effect == "none" ? -SIGTERM : 0), "\(outcome)")
    #expect(try shop.folder.names().contains { $0.hasSuffix(".solverstate") } == (effect != "none"))
  }

  /// The first Ctrl-C waits for the end of the iteration, which is long here.
  @Test func secondInterruptLeavesAtOnce() throws {
    let shop = try Workshop(
      solver: "max_iter: 100000000 iter_size: 10000000 snapshot_prefix: \"tiny\"")
    let run = try Run(["train", "--solver", "solver.prototxt"], in: shop.folder)
    try run.wait(for: "Starting Optimization")
    run.send(SIGINT)
    usleep(100_000)
    #expect(run.isRunning)
    run.send(SIGINT)
    #expect(try run.outcome().status == 130)
    #expect(try shop.folder.names(hidden: true).filter { $0.contains("tiny_iter") } == [])
  }

  @Test func interruptDuringATestEndsIt() throws {
    let shop = try Workshop(
      solver: "max_iter: 9 test_iter: 100000000 test_interval: 1 snapshot_prefix: \"tiny\"")
    let run = try Run(["train", "--solver", "solver.prototxt"], in: shop.folder)
    try run.wait(for: "Testing net (#0)")
    run.send(SIGINT)
    let outcome = try run.outcome()
    #expect(outcome.status == 0 && outcome.log.contains("Test interrupted."), "\(outcome)")
    #expect(shop.folder.exists("tiny_iter_0.solverstate"))
  }

  /// How often a run is killed: a night can afford more than a build server.
  static let kills =
    ProcessInfo.processInfo.environment["CAFFE_SWIFT_KILLS"].flatMap { Int($0) } ?? 15

  /// Every file that a killed run leaves under a final name is the one that the uninterrupted run
  /// wrote, byte for byte, and the newest state leads on to the same end.
  @Test(arguments: ["BINARYPROTO", "HDF5"])
  func killedRunsLeaveWholeSnapshots(format: String) throws {
    let solver =
      "max_iter: \(Self.kills * 12) snapshot: 1 snapshot_prefix: \"tiny\" "
      + "snapshot_format: \(format) average_loss: 5 "
    let (calm, troubled) = (try Workshop(solver: solver), try Workshop(solver: solver))
    #expect(try calm.run("train", "--solver", "solver.prototxt").status == 0)

    var random = TestRandom(seed: 25)
    var (checked, cutShort) = (Set<String>(), 0)
    for _ in 0..<Self.kills {
      let run = try Run(troubled.resumption(), in: troubled.folder)
      usleep(Sanitizer.delay * UInt32.random(in: 1000...150_000, using: &random))
      run.send(SIGKILL)
      if try run.outcome().status == -SIGKILL { cutShort += 1 }
      try troubled.expectSameSnapshots(as: calm, but: checked)
      checked.formUnion(try troubled.snapshotNames())
    }
    let leftovers = {
      try troubled.folder.names(hidden: true).filter { $0.hasPrefix(".tiny_iter") }
    }
    print(
      "\(format): \(cutShort) of \(Self.kills) runs killed, \(checked.count / 2) snapshots by then, "
        + "\(try leftovers().count) temporary files left")
    let last = try troubled.run(troubled.resumption())
    #expect(last.status == 0, "\(last)")
    #expect(try leftovers() == [])
    try troubled.expectSameSnapshots(as: calm)
    #expect(try troubled.snapshotNames() == calm.snapshotNames())
  }

  /// Old snapshots go only after newer ones are complete: however a run ends, each state has its
  /// weights, and the newest is no older than after the kill before.
  @Test(arguments: ["BINARYPROTO", "HDF5"])
  func killedRunsKeepASnapshotToGoOnFrom(format: String) throws {
    let shop = try Workshop(
      solver: "max_iter: 100000000 snapshot: 3 snapshot_keep_last: 1 snapshot_keep_best: true "
        + "test_iter: 1 test_interval: 2 snapshot_prefix: \"tiny\" snapshot_format: \(format) ")
    var random = TestRandom(seed: 26)
    var newest: [Int] = []
    for _ in 0..<Self.kills {
      let run = try Run(shop.resumption(), in: shop.folder)
      // However busy the machine is, some runs must come to a snapshot.
      try run.wait(for: "Solving ")
      usleep(Sanitizer.delay * UInt32.random(in: 0...100_000, using: &random))
      run.send(SIGKILL)
      #expect(try run.outcome().status == -SIGKILL)
      let names = try shop.snapshotNames()
      let states = names.filter { $0.contains(".solverstate") }
      for state in states {
        #expect(names.contains(state.replacing("solverstate", with: "caffemodel")), "\(names)")
      }
      newest.append(states.map(Workshop.iteration).max() ?? 0)
    }
    #expect(newest == newest.sorted() && newest.last != 0, "\(newest)")
    // The last one, the best one, and what a kill kept from being removed.
    #expect(try shop.snapshotNames().count <= 8)
  }

  @Test(
    arguments: ["BINARYPROTO", "HDF5"],
    [
      "",
      "lr_policy: \"plateau\" gamma: 0.5 plateau_winsize: 2 plateau_winsize: 4 warmup_iter: 2 "
        + "snapshot_keep_best: true early_stop_patience: 9 ",
    ])
  func resumedRunsWriteTheSameLog(format: String, fields: String) throws {
    let solver =
      fields
      + "max_iter: 20 snapshot: 7 snapshot_prefix: \"tiny\" snapshot_format: \(format) display: 1 "
      + "average_loss: 4 test_iter: 2 test_interval: 3 "
    let shop = try Workshop(solver: solver)
    let whole = try shop.run("train", "--solver", "solver.prototxt")
    let ending = format == "HDF5" ? ".h5" : ""
    let weights = try shop.folder.read("tiny_iter_20.caffemodel" + ending)
    for k in [7, 14] {
      let rest = try shop.run(
        "train", "--solver", "solver.prototxt", "--snapshot", "tiny_iter_\(k).solverstate\(ending)")
      #expect(rest.status == 0, "\(rest)")
      #expect(rest.numbers(from: k) == whole.numbers(from: k))
      #expect(rest.numbers(from: k).count > 3 * (20 - k))
      #expect(try shop.folder.read("tiny_iter_20.caffemodel" + ending) == weights)
    }
  }
}

extension Outcome {
  /// The log's lines about results from iteration `k` on, without speeds.
  fileprivate func numbers(from k: Int) -> [String] {
    let start = log.firstIndex {
      $0.hasPrefix("Iteration \(k),") || $0.hasPrefix("Iteration \(k) (")
    }
    return log[(start ?? log.endIndex)...]
      .filter { $0.contains("loss = ") || $0.contains("lr = ") || $0.contains("output #") }
      .map { $0.replacing(/\([^()]* iters\)/, with: "") }
  }
}

extension Workshop {
  fileprivate func snapshotNames() throws -> [String] {
    try folder.names().filter { $0.hasPrefix("tiny_iter") }
  }

  /// - Parameter known: those that were the same before.
  fileprivate func expectSameSnapshots(
    as other: Workshop, but known: Set<String> = []
  ) throws {
    for name in try snapshotNames() where !known.contains(name) {
      #expect(try folder.read(name) == other.folder.read(name), "\(name)")
    }
  }

  fileprivate static func iteration(_ name: String) -> Int {
    name.split { !$0.isNumber }.first.flatMap { Int($0) } ?? 0
  }

  /// How to go on from the newest state, if there is one.
  fileprivate func resumption() throws -> [String] {
    let newest = try folder.names().filter { $0.contains(".solverstate") }
      .max { Workshop.iteration($0) < Workshop.iteration($1) }
    return ["train", "--solver", "solver.prototxt"] + (newest.map { ["--snapshot", $0] } ?? [])
  }
}
