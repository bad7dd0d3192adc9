import CaffeData
import CaffeTestSupport
import Foundation
import Testing

/// Several runs at once, on one database or one snapshot prefix, and runs that nobody listens to.
@Suite struct ConcurrencyTests {
  static let endless = "max_iter: 100000000 display: 1 "

  private static let untilKilled = endless + "snapshot_after_train: false"

  /// Its net reads the LevelDB `level`.
  private static func levelDBShop() throws -> Workshop {
    let shop = try Workshop(
      net: [("backend: LMDB", "backend: LEVELDB"), ("source: \"data\"", "source: \"level\"")],
      solver: untilKilled)
    let made = try shop.run(
      "convert-mnist", "--backend", "leveldb", "images.idx", "labels.idx", "level")
    #expect(made.status == 0, "\(made)")
    return shop
  }

  @Test func twoRunsReadOneLMDB() throws {
    let shop = try Workshop(solver: Self.endless + "snapshot_prefix: \"a\"")
    try shop.folder.write(
      "other.prototxt",
      String(decoding: try shop.folder.read("solver.prototxt"), as: UTF8.self)
        .replacing("snapshot_prefix: \"a\"", with: "snapshot_prefix: \"b\""))
    let runs = try ["solver.prototxt", "other.prototxt"].map {
      try Run(["train", "--solver", $0], in: shop.folder)
    }
    for run in runs { try run.wait(for: "Iteration 5 ") }
    for run in runs { run.send(SIGINT) }
    for run in runs { #expect(try run.outcome().status == 0) }
  }

  /// Readers that are killed leave their places in LMDB's table of 126 readers taken.
  @Test func killedReadersOfAnLMDBLeaveRoomForOthers() throws {
    let shop = try Workshop(solver: Self.untilKilled)
    let arguments = ["train", "--solver", "solver.prototxt"]
    let first = try Run(arguments, in: shop.folder)
    try first.wait(for: "Iteration 1 ")
    // Two nets read the database in each.
    for _ in 0..<(Fault.all ? 130 : 3) {
      let run = try Run(arguments, in: shop.folder)
      try run.wait(for: "Iteration 1 ")
      run.send(SIGKILL)
      #expect(try run.outcome().status == -SIGKILL)
    }
    #expect(first.isRunning)
  }

  /// Databases are read in processes of their own, which Ctrl-C in a terminal does not reach and which end
  /// with the run, however it ends.
  @Test(arguments: [SIGINT, SIGKILL])
  func readersEndWithTheirRun(signal: Int32) throws {
    let shop = try Workshop(solver: Self.untilKilled)
    let run = try Run(["train", "--solver", "solver.prototxt"], in: shop.folder)
    try run.wait(for: "Iteration 1 ")
    let readers = try run.readers
    #expect(!readers.isEmpty)
    for reader in readers { #expect(getpgid(reader) == reader) }
    run.send(signal)
    _ = try run.outcome()
    for _ in 0..<500 where readers.contains(where: { kill($0, 0) == 0 }) { usleep(10_000) }
    for reader in readers { #expect(kill(reader, 0) != 0) }
  }

  /// A reader that is killed, as by a system that needs memory, ends the run in one line, and leaves no
  /// view of its database.
  @Test(arguments: ["data", "level"])
  func aReaderThatIsKilledIsOneSentence(database: String) throws {
    let shop = try database == "level" ? Self.levelDBShop() : Workshop(solver: Self.untilKilled)
    let temporary = try TemporaryFolder()
    let run = try Run(
      ["train", "--solver", "solver.prototxt"], in: shop.folder,
      environment: ["TMPDIR": temporary.path])
    try run.wait(for: "Iteration 1 ")
    for reader in try run.readers { kill(reader, SIGKILL) }
    let outcome = try run.outcome()
    #expect(outcome.status == 1 && outcome.complaints.count == 1, "\(outcome)")
    #expect(
      outcome.complaints.last?.hasSuffix(
        "\(database): the process that reads this file was ended (signal 9)") == true, "\(outcome)")
    #expect(try temporary.names(hidden: true) == [])
  }

  /// LevelDB locks what it opens; each run opens a view of its own.
  @Test func twoRunsReadOneLevelDB() throws {
    let shop = try Self.levelDBShop()
    let temporary = try TemporaryFolder()
    let views = { try temporary.names(hidden: true).filter { !$0.contains("/") } }
    let start = {
      try Run(
        ["train", "--solver", "solver.prototxt"], in: shop.folder,
        environment: ["TMPDIR": temporary.path])
    }
    let runs = try [start(), start()]
    for run in runs { try run.wait(for: "Iteration 2 ") }
    #expect(try views().count >= 2)
    runs[0].send(SIGKILL)
    runs[1].send(SIGINT)
    #expect(try runs[0].outcome().status == -SIGKILL)
    #expect(try runs[1].outcome().status == 0)
    // The next one removes what the killed one left.
    let next = try start()
    try next.wait(for: "Iteration 2 ")
    next.send(SIGTERM)
    #expect(try next.outcome().status == 0)
    #expect(try views() == [])
  }

  @Test func aSecondRunWithOneSnapshotPrefixIsRefused() throws {
    let shop = try Workshop(solver: Self.endless + "snapshot_prefix: \"tiny\"")
    let arguments = ["train", "--solver", "solver.prototxt"]
    let first = try Run(arguments, in: shop.folder)
    try first.wait(for: "Iteration 1 ")
    let second = try shop.run(arguments)
    #expect(second.status == 1 && second.complaints.count == 1, "\(second)")
    #expect(
      second.complaints.first?.contains(
        /solver\.prototxt: another run \(process \d+ on .+\) takes snapshots under the snapshot_prefix 'tiny'/
      ) == true, "\(second)")
    #expect(first.isRunning)
    first.send(SIGKILL)
    #expect(try first.outcome().status == -SIGKILL)
    // What a killed run leaves does not lock, and what it left half written goes.
    #expect(shop.folder.exists(".tiny.lock"))
    let name = ".tiny_iter_7.caffemodel.\(CaffeData.Host.name).\(pid_t.max).00000000"
    try shop.folder.write(name, "half")
    let third = try Run(arguments, in: shop.folder)
    try third.wait(for: "Iteration 1 ")
    #expect(!shop.folder.exists(name))
    third.send(SIGINT)
    #expect(try third.outcome().status == 0)
    #expect(try shop.folder.names(hidden: true).filter { $0.hasPrefix(".") } == [])
  }

  /// `train 2>&1 | head -1`: a log is not worth the run.
  @Test func aRunWhoseLogNobodyReadsGoesOn() throws {
    let shop = try Workshop(solver: "max_iter: 50 display: 1")
    let outcome = try Run(
      shell: "\"$0\" train --solver solver.prototxt 2>&1 | head -n 1; echo ${PIPESTATUS[0]}",
      in: shop.folder
    ).outcome()
    #expect(outcome.lines.count == 2 && outcome.lines.last == "0", "\(outcome)")
    #expect(shop.folder.exists("tiny_iter_50.solverstate"))
  }

  /// A file that the run opens must not get the number of a closed stream, and the log with it.
  @Test(arguments: [">&-", "2>&-", ">&- 2>&- <&-"])
  func closedStreamsDoNoHarm(closing: String) throws {
    let solver = "max_iter: 3 display: 1 test_iter: 1 test_interval: 1 snapshot: 1"
    let (open, closed) = (try Workshop(solver: solver), try Workshop(solver: solver))
    let arguments = "train --solver solver.prototxt --log-json log"
    #expect(try open.run(arguments.split(separator: " ").map(String.init)).status == 0)
    let outcome = try Run(shell: "\"$0\" \(arguments) \(closing)", in: closed.folder).outcome()
    #expect(outcome.status == 0, "\(outcome)")
    let names = try open.folder.names(hidden: true)
    #expect(try closed.folder.names(hidden: true) == names)
    for name in names where !name.contains(/mdb|log$/) {
      // Folders cannot be read.
      #expect((try? closed.folder.read(name)) == (try? open.folder.read(name)), "\(name)")
    }
    let lines = { (shop: Workshop) in try shop.folder.read("log").count { $0 == 10 } }
    #expect(try lines(closed) == lines(open))
    let summary = try Run(shell: "\"$0\" summary net.prototxt \(closing)", in: closed.folder)
    #expect(try summary.outcome().status == 0)
  }

  /// What was to be printed is what the user wanted: lost output is an error.
  @Test func outputThatCannotBeWrittenIsAnError() throws {
    let shop = try Workshop()
    for command in ["summary net.prototxt", "layers", "check net.prototxt", "dataset info data"] {
      let outcome = try Run(shell: "\"$0\" \(command) > /dev/full", in: shop.folder).outcome()
      #expect(outcome.status == 1, "\(command): \(outcome)")
      #expect(
        outcome.complaints == [
          "caffe-swift: cannot write standard output: No space left on device"
        ], "\(command): \(outcome)")
    }
  }

  /// A reader that has gone ends a command by SIGPIPE, without a word.
  @Test func aReaderThatHasGoneEndsOtherCommands() throws {
    let shop = try Workshop()
    let outcome = try Run(
      shell: "(sleep 0.3; \"$0\" layers; echo $? >&2) | true", in: shop.folder
    ).outcome()
    #expect(outcome.complaints == ["\(128 + SIGPIPE)"], "\(outcome)")
  }

  /// Folders on a file system that is mounted for reading only, where root cannot write either.
  @Test(.enabled(if: FullDiskTests.canMount, "mounting a file system needs root"))
  func foldersForReadingOnlyAreReadAndNotWritten() throws {
    let shop = try Workshop(solver: "max_iter: 2 snapshot_prefix: \"tiny\"")
    let disk = try #require(try FullDiskTests.SmallDisk(shop.folder("disk")))
    try FileManager.default.copyItem(
      atPath: shop.folder("data"), toPath: disk.path + "/data")
    try FileManager.default.removeItem(atPath: shop.folder("data"))
    try FileManager.default.createSymbolicLink(
      atPath: shop.folder("data"), withDestinationPath: disk.path + "/data")
    #expect(mount(nil, disk.path, nil, UInt(MS_REMOUNT | MS_RDONLY), nil) == 0)
    let good = try shop.run("train", "--solver", "solver.prototxt")
    #expect(good.status == 0, "\(good)")
    for arguments in [
      ["export", "tiny_iter_2.caffemodel", "disk/new.h5"],
      ["draw", "net.prototxt", "disk/new.svg"],
      ["convert-mnist", "images.idx", "labels.idx", "disk/new"],
      ["train", "--solver", "solver.prototxt", "--log-json", "disk/log"],
      ["train", "--solver", "solver.prototxt", "--run", "disk/run"],
    ] {
      let outcome = try shop.run(arguments)
      #expect(outcome.status == 1 && outcome.complaints.count == 1, "\(arguments): \(outcome)")
      #expect(outcome.errors.contains(/[Rr]ead[- ]only/), "\(arguments): \(outcome)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == ["data"])
  }

  /// Other commands end with their reader, as is the custom, and leave nothing.
  @Test func signalsLeaveNoTemporaryFiles() throws {
    let shop = try Workshop()
    try SmallData.writeIDX(to: shop.folder, count: 20000, side: 28)
    let before = try shop.folder.names(hidden: true)
    var random = TestRandom(seed: 5)
    for signal in [SIGINT, SIGTERM, SIGHUP] {
      for backend in ["lmdb", "leveldb"] {
        for _ in 0..<(Fault.all ? 20 : 2) {
          let run = try Run(
            ["convert-mnist", "--backend", backend, "images.idx", "labels.idx", "new"],
            in: shop.folder)
          usleep(UInt32.random(in: 20_000...60_000, using: &random))
          run.send(signal)
          let outcome = try run.outcome()
          if outcome.status == 0 {
            try shop.folder.remove("new")
          } else {
            #expect(outcome.status == -signal, "\(outcome)")
          }
          #expect(try shop.folder.names(hidden: true) == before)
        }
      }
    }
  }

  /// Ctrl-C at any moment: the run ends with status 0 and a snapshot to go on from, or before it has
  /// begun.
  @Test func interruptsAtAnyMomentLeaveAGoodSnapshot() throws {
    let solver = "snapshot: 2 snapshot_prefix: \"tiny\" test_iter: 1 test_interval: 3 "
    let shop = try Workshop(solver: Self.endless + solver)
    var random = TestRandom(seed: 6)
    // How long it takes here to begin.
    let clock = ContinuousClock()
    let begin = clock.now
    let first = try Run(["train", "--solver", "solver.prototxt"], in: shop.folder)
    try first.wait(for: "Iteration 1 ")
    let start = clock.now - begin
    first.send(SIGINT)
    #expect(try first.outcome().status == 0)
    var (early, stopped) = (0, 0)
    for _ in 0..<(Fault.all ? 100 : 8) {
      let run = try Run(["train", "--solver", "solver.prototxt"], in: shop.folder)
      usleep(UInt32(start / .microseconds(1) * Double.random(in: 0...2, using: &random)))
      run.send(SIGINT)
      let outcome = try run.outcome()
      // A run that has made no update has nothing to save.
      let isEarly = outcome.status == 0 && !outcome.log.contains { $0.hasPrefix("Iteration 1 ") }
      if outcome.status == -SIGINT || isEarly {
        early += 1
        continue
      }
      stopped += 1
      #expect(outcome.status == 0 && outcome.complaints.isEmpty, "\(outcome)")
      #expect(try shop.folder.names(hidden: true).filter { $0.hasPrefix(".") } == [])
      let state = try #require(
        outcome.log.last { $0.hasPrefix("Snapshotting solver state") }?.split(separator: " ").last)
      let iteration = try #require(state.split { !$0.isNumber }.first.flatMap { Int($0) })
      try shop.folder.write(
        "more.prototxt",
        String(decoding: try shop.folder.read("solver.prototxt"), as: UTF8.self)
          .replacing("max_iter: 100000000", with: "max_iter: \(iteration + 1)"))
      let more = try shop.run("train", "--solver", "more.prototxt", "--snapshot", String(state))
      #expect(more.status == 0, "\(more)")
    }
    print("interrupts: \(early) before the run began, \(stopped) stopped it")
    #expect(stopped > 0)
  }
}
