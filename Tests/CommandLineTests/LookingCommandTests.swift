import CaffeTestSupport
import Foundation
import Testing

/// The commands that look at nets and runs: what they print, and how they exit.
@Suite struct LookingCommandTests {
  @Test func summaryIsATableOrJSON() throws {
    let shop = try Workshop()
    let table = try shop.run("summary", "net.prototxt", "--phase", "TEST")
    #expect(table.status == 0 && table.complaints.isEmpty, "\(table)")
    #expect(table.lines.first == "net 'tiny', phase TEST")
    #expect(table.output.contains("8×4×3×3"))
    let json = try shop.run("summary", "net.prototxt", "--json", "--shape", "data=2,1,5,5")
    #expect(json.lines.count == 1, "\(json)")
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    let totals = try #require(object?["totals"] as? [String: Int])
    #expect(totals["parameters"] == 151 && totals["multiply_adds"] == 2 * (36 * 9 + 36 * 3))
  }

  @Test func checkExitsWith1IfThereAreErrors() throws {
    let shop = try Workshop()
    let sound = try shop.run("check", "--solver", "solver.prototxt")
    #expect(sound.status == 0 && sound.output == "0 errors, 0 warnings\n", "\(sound)")
    try shop.folder.write(
      "bad.prototxt", "layer { name: 'a' type: 'Relu' }\nlayer { name: 'b' type: 'TanH' }\n")
    let bad = try shop.run("check", "bad.prototxt")
    #expect(bad.status == 1 && bad.errors.isEmpty && bad.lines.count == 3, "\(bad)")
    #expect(bad.lines.last == "2 errors, 0 warnings")
    #expect(try shop.run("check").status == 64)
    #expect(try shop.run("check", "none.prototxt").output.contains("File not found"))
  }
}

extension LookingCommandTests {
  private static let run = "max_iter: 4 display: 2 test_iter: 2 test_interval: 2"

  @Test func aLogBecomesTables() throws {
    let shop = try Workshop(solver: Self.run)
    let trained = try shop.run("train", "--solver", "solver.prototxt", "--log-json", "run.json")
    #expect(trained.status == 0 && !trained.log.isEmpty, "\(trained)")
    try shop.folder.write("run.log", trained.errors)
    for log in ["run.log", "run.json"] {
      #expect(try shop.run("parse_log", log, ".", "--verbose").lines.count == 2)
    }
    func table(_ name: String) throws -> [String] {
      String(decoding: try shop.folder.read(name), as: UTF8.self).split(separator: "\n").map(
        String.init)
    }
    #expect(try table("run.log.test")[0] == "NumIters,Seconds,LearningRate,accuracy,loss")
    for ending in ["train", "test"] {
      let (ours, caffes) = (try table("run.json.\(ending)"), try table("run.log.\(ending)"))
      #expect(ours.count == caffes.count && ours[0] == caffes[0])
      #expect(ours.map { $0.prefix { $0 != "," } } == caffes.map { $0.prefix { $0 != "," } })
    }
    #expect(try shop.run("parse-log", "net.prototxt").errors.contains("no iterations in it"))
  }

  @Test func verboseRunsTellTheirSpeed() throws {
    let shop = try Workshop(solver: Self.run)
    let speed =
      /\ +Speed: \d+ images\/s, \d+ % of the time waiting for data \(\S+ ms an iteration\)/
    let verbose = try shop.run("train", "--solver", "solver.prototxt", "--verbose")
    #expect(verbose.log.filter { $0.wholeMatch(of: speed) != nil }.count == 2, "\(verbose)")
    let plain = try shop.run("train", "--solver", "solver.prototxt")
    #expect(!plain.log.contains { $0.contains("Speed:") })
    let both = try shop.run("train", "--solver", "solver.prototxt", "--verbose", "--quiet")
    #expect(both.status == 64 && both.errors.contains("--verbose"), "\(both)")
  }

  @Test func quietRunsSayNothing() throws {
    let shop = try Workshop(solver: Self.run)
    let quiet = try shop.run("train", "--solver", "solver.prototxt", "--quiet")
    #expect(quiet.status == 0 && quiet.errors.isEmpty && quiet.output.isEmpty, "\(quiet)")
    #expect(try shop.run("train", "--solver", "s", "--quiet", "--log", "live").status == 64)
  }

  @Test func theLiveLogHasNoLinesOfCaffe() throws {
    let shop = try Workshop(solver: Self.run)
    let live = try shop.run("train", "--solver", "solver.prototxt", "--log", "live")
    #expect(live.status == 0 && live.log.isEmpty, "\(live)")
    #expect(live.errors.contains("training tiny with SGD, iteration 0 to 4\n"))
    #expect(live.errors.contains("iteration 2: test net #0 accuracy "))
    #expect(live.errors.contains("iteration 4: wrote tiny_iter_4.caffemodel\n"))
    #expect(live.errors.contains("1 of 4 · loss "))
    #expect(!live.errors.contains("\u{1B}[1m"), "colours where there is no terminal")
  }
}

extension LookingCommandTests {
  @Test func picturesAreWritten() throws {
    let shop = try Workshop(solver: Self.run)
    try shop.run("train", "--solver", "solver.prototxt", "--log-json", "run.json")
    for arguments in [
      ["draw", "net.prototxt", "net.png"], ["draw", "net.prototxt", "net.dot", "--rankdir", "LR"],
      ["plot", "curves.svg", "run.json", "--log-y"],
      ["plot", "curves.png", "run.json", "run.json"],
      ["show-filters", "tiny_iter_4.caffemodel", "filters.png"],
    ] {
      let outcome = try shop.run(arguments)
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
      #expect(
        try !shop.folder.read(arguments.first { $0.contains(/(png|svg|dot)$/) } ?? "").isEmpty)
    }
    #expect(try shop.run("plot", "a.png").status == 64)
    #expect(try shop.run("draw", "net.prototxt", "a.gif").errors.contains(".svg, .png or .pdf"))
    #expect(
      try shop.run("show-filters", "tiny_iter_4.caffemodel", "f.png", "--layer", "ip").status == 1)
  }
}

extension LookingCommandTests {
  @Test func weightsAreCompared() throws {
    let shop = try Workshop(solver: Self.run + " snapshot: 2")
    try shop.run("train", "--solver", "solver.prototxt")
    let files = ["tiny_iter_2.caffemodel", "tiny_iter_4.caffemodel"]
    let other = try shop.run("diff", files[0], files[1])
    #expect(
      other.status == 1 && other.errors.isEmpty && other.lines.last == "4 of 4 blobs differ",
      "\(other)")
    #expect(other.lines[0].hasPrefix("layer 'conv', blob 0: differs by up to "))
    let same = try shop.run("diff", files[0], files[0], "--all")
    #expect(same.status == 0 && same.lines.count == 5 && same.lines[4] == "0 of 4 blobs differ")
    #expect(try shop.run(["diff"] + files + ["--tolerance", "10"]).status == 0)
    #expect(try shop.run(["diff"] + files + ["--tolerance", "-1"]).status == 64)
  }

  @Test func gradientsAreChecked() throws {
    let shop = try Workshop()
    let outcome = try shop.run("gradient-check", "net.prototxt", "--samples", "5")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    #expect(
      outcome.lines.count == 2 + 4
        && outcome.lines.dropFirst(2).allSatisfy { $0.hasSuffix("right") })
  }

  @Test func anAnomalyEndsTheRunWhereItBegins() throws {
    let shop = try Workshop(solver: Self.run + " base_lr: 1e30")
    let outcome = try shop.run(
      "train", "--solver", "solver.prototxt", "--quiet", "--detect-anomaly")
    #expect(outcome.status == 1 && outcome.complaints.count == 1, "\(outcome)")
    #expect(
      outcome.errors.contains(/iteration [1-3]: .*layer '\w+' .* values that are not finite/),
      "\(outcome)")
  }
}
