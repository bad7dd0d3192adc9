import CaffeTestSupport
import Foundation
import Testing

/// Command lines as scripts for Caffe's programs have them (gflags, glog).
@Suite struct CaffeScriptsTests {
  private func shop() throws -> Workshop {
    try Workshop(solver: "max_iter: 1 snapshot_prefix: \"tiny\"")
  }

  /// Empty values are flags that are not set; flags may come before the command.
  @Test(arguments: [
    ["train", "-solver=solver.prototxt", "-snapshot=", "-weights", "", "-gpu=", "-stage="],
    ["-solver=solver.prototxt", "train"], ["--solver", "solver.prototxt", "train", "-level", "-1"],
    ["-v=2", "-logtostderr", "train", "-solver", "solver.prototxt", "--stderrthreshold", "0"],
  ])
  func gflagsAreTaken(arguments: [String]) throws {
    let shop = try shop()
    let outcome = try shop.run(arguments)
    #expect(outcome.status == 0 && outcome.complaints.isEmpty, "\(outcome)")
    #expect(shop.folder.exists("tiny_iter_1.solverstate"))
  }

  /// All of Caffe's commands accept the flags of all; those without a use are named.
  @Test(arguments: [
    (
      [
        "time", "-model", "net.prototxt", "-weights", "w.caffemodel", "-phase=", "-iterations", "1",
      ],
      "time does not use -weights"
    ),
    (
      ["train", "-solver", "solver.prototxt", "-iterations", "3", "-model=m", "-phase="],
      "train does not use -iterations, -model"
    ),
  ])
  func flagsOfOtherCommandsAreNamed(arguments: [String], line: String) throws {
    let outcome = try shop().run(arguments)
    #expect(outcome.status == 0 && outcome.complaints.isEmpty, "\(outcome)")
    #expect(outcome.log.contains(line), "\(outcome)")
  }

  @Test func levelsBelowZeroAreLevels() throws {
    let shop = try Workshop(
      net: [("include { phase: TEST } }", "include { phase: TEST } include { max_level: -1 } }")])
    let arguments = ["time", "-model", "net.prototxt", "-iterations", "1", "-level"]
    for (level, isThere) in [("-1", true), ("0", false)] {
      let log = try shop.run(arguments + [level]).log
      #expect(log.contains("Creating Layer accuracy") == isThere, "\(log)")
    }
  }

  @Test func noDeviceToQuery() throws {
    let outcome = try Run(["device_query", "-gpu", "0"], in: TemporaryFolder()).outcome()
    #expect(outcome.status == 1)
    #expect(
      outcome.complaints == [
        "caffe-swift: device_query: caffe-swift computes on the CPU; there is no GPU to ask"
      ])
  }

  @Test(arguments: [false, true]) func lessOfTheLog(byVariable: Bool) throws {
    let shop = try shop()
    let arguments = ["train", "-solver", "solver.prototxt", "-gpu", "0"]
    func errors(_ level: String) throws -> String {
      let run =
        byVariable
        ? try Run(arguments, in: shop.folder, environment: ["GLOG_minloglevel": level])
        : try Run(arguments + ["-minloglevel=" + level], in: shop.folder)
      let outcome = try run.outcome()
      #expect(outcome.status == 0)
      return outcome.errors
    }
    #expect(try errors("0").contains("Optimization Done."))
    let warnings = try errors("1").split(separator: "\n")
    #expect(warnings.count == 1 && warnings[0].hasPrefix("W"), "\(warnings)")
    #expect(try errors("2") == "")
    let wrong = try shop.run(arguments + ["-minloglevel=x"])
    #expect(wrong.status == 64 && wrong.errors.contains("minloglevel must be a number, got 'x'"))
  }

  /// Caffe's order: each net is filled as soon as it is there.
  @Test func netsAreToldAsByCaffe() throws {
    let shop = try Workshop(
      solver: "max_iter: 1 snapshot_prefix: \"tiny\" test_iter: 1 test_interval: 5")
    func beginning(_ more: String...) throws -> [String] {
      let outcome = try shop.run(["train", "-solver", "solver.prototxt"] + more)
      #expect(outcome.status == 0, "\(outcome)")
      let words = ["Creating t", "Finetuning", "Solver sc", "Resuming", "SGDSolver", "Restoring"]
      return outcome.log.filter { line in words.contains { line.hasPrefix($0) } }
    }
    let nets = [
      "Creating training net from net file: net.prototxt",
      "Creating test net (#0) specified by net file: net.prototxt",
    ]
    let end = "Solver scaffolding done."
    #expect(try beginning() == nets + [end])
    let weights = ["tiny_iter_1.caffemodel", "tiny_iter_1.caffemodel"]
    let filling = weights.map { "Finetuning from \($0)" }
    #expect(
      try beginning("-weights", weights.joined(separator: ","))
        == [nets[0]] + filling + [nets[1]] + filling + [end])
    #expect(
      try beginning("-snapshot=tiny_iter_1.solverstate") == nets + [
        end, "Resuming from tiny_iter_1.solverstate", "SGDSolver: restoring history",
      ])
  }

  /// What `extract_seconds.py` reads: the year comes from the file's first line.
  @Test func logFilesAreGlogs() throws {
    let shop = try shop()
    _ = try FileManager.default.createDirectory(
      atPath: shop.folder("logs"), withIntermediateDirectories: false)
    let outcome = try shop.run("train", "-solver", "solver.prototxt", "-log_dir=logs")
    #expect(outcome.status == 0, "\(outcome)")
    let text = try String(contentsOfFile: shop.folder("logs/caffe.INFO"), encoding: .utf8)
    let lines = text.split(separator: "\n").map(String.init)
    #expect(
      lines[0].wholeMatch(of: /Log file created at: \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d/) != nil,
      "\(lines[0])")
    #expect(lines[1].hasPrefix("Running on machine: "))
    #expect(lines[2] == "Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg")
    #expect(lines.dropFirst(3).joined(separator: "\n") + "\n" == outcome.errors)
    let name = try #require(
      FileManager.default.contentsOfDirectory(atPath: shop.folder("logs")).sorted().last)
    #expect(
      name.wholeMatch(of: /caffe\..+\..+\.log\.INFO\.\d{8}-\d{6}\.\d+/) != nil, "\(name)")

    let failed = try shop.run("train", "-solver", "none.prototxt", "-log_dir", "logs")
    let last = try String(contentsOfFile: shop.folder("logs/caffe.INFO"), encoding: .utf8)
    #expect(last.hasSuffix("File not found: none.prototxt\n") && failed.status == 1, "\(last)")
    let nowhere = try shop.run("train", "-solver", "solver.prototxt", "-log_dir=no")
    #expect(nowhere.status == 1)
    #expect(nowhere.complaints.first?.contains("log_dir: No such file or directory") == true)
  }
}
