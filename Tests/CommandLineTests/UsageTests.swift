import CaffeTestSupport
import Foundation
import Testing

/// The way from idx files to a tested and exported model, and the program's manners on it.
@Suite struct UsageTests {
  @Test func fromImagesToATestedModel() throws {
    let shop = try Workshop(
      solver: "max_iter: 12 display: 4 snapshot: 6 snapshot_prefix: \"tiny\" test_iter: 5 "
        + "test_interval: 6 clip_gradients: 0.5")
    let converted = try shop.run("convert-mnist", "images.idx", "labels.idx", "again")
    #expect(converted.status == 0 && converted.output == "again: 40 records\n", "\(converted)")

    let trained = try shop.run("train", "--solver", "solver.prototxt")
    #expect(trained.status == 0 && trained.complaints.isEmpty, "\(trained)")
    #expect(try shop.folder.names().contains("tiny_iter_12.caffemodel"))

    let tested = try shop.run(
      "test", "--model", "net.prototxt", "--weights", "tiny_iter_12.caffemodel", "--iterations", "5"
    )
    #expect(tested.status == 0, "\(tested)")
    #expect(tested.log.filter { $0.hasPrefix("Batch ") }.count == 2 * 5)
    // The solver's last test scored the same weights on the same batches.
    let last = trained.log.suffix { $0.contains("Test net output") }
    #expect(last.map { $0.drop { $0 != ":" }.dropFirst(2) } == tested.log.suffix(2).map { $0[...] })

    let there = try shop.run("export", "tiny_iter_12.caffemodel", "copy.caffemodel.h5")
    #expect(there.output == "copy.caffemodel.h5: 5 layers, 151 values\n", "\(there)")
    let back = try shop.run("export", "copy.caffemodel.h5", "copy.caffemodel")
    #expect(back.status == 0, "\(back)")
    let again = try shop.run(
      "test", "-model=net.prototxt", "-weights=copy.caffemodel", "-iterations=5")
    #expect(again.log.suffix(2) == tested.log.suffix(2), "\(again)")
  }

  /// The regular expressions of Caffe's own log tools (parse_log.py, parse_log.sh, plot scripts).
  @Test func logLinesAreThoseOfCaffesTools() throws {
    let shop = try Workshop(
      solver: "max_iter: 4 display: 2 snapshot: 2 snapshot_prefix: \"tiny\" test_iter: 1 "
        + "test_interval: 2 clip_gradients: 0.01")
    let log = try shop.run("train", "--solver=solver.prototxt").log
    func count<Output>(_ pattern: Regex<Output>) -> Int {
      log.filter { $0.wholeMatch(of: pattern) != nil }.count
    }
    #expect(count(/Solving tiny/) == 1)
    #expect(count(/Iteration \d+, Testing net \(#0\)/) == 3)
    #expect(count(/[ ]{4}Test net output #0: accuracy = [\.\deE+-]+/) == 3)
    #expect(
      count(/[ ]{4}Test net output #1: loss = [\.\deE+-]+ \(\* 1 = [\.\deE+-]+ loss\)/) == 3)
    #expect(
      count(/Iteration \d+ \([\.\deE+-]+ iter\/s, [\.\deE+-]+s\/2 iters\), loss = [\.\deE+-]+/)
        == 2)
    #expect(count(/[ ]{4}Train net output #0: loss = [\.\deE+-]+ \(\* 1 = .* loss\)/) == 2)
    #expect(count(/Iteration \d+, lr = [-+]?[0-9]*\.?[0-9]+([eE]?[-+]?[0-9]+)?/) == 2)
    #expect(count(/Snapshotting to binary proto file tiny_iter_[24]\.caffemodel/) == 2)
    #expect(
      count(/Snapshotting solver state to binary proto file tiny_iter_[24]\.solverstate/) == 2)
    #expect(
      count(
        /Gradient clipping: scaling down gradients \(L2 norm \S+ > 0\.01\) by scale factor \S+/)
        == 4)
    #expect(log.last == "Optimization Done.")
  }

  /// What BVLC Caffe 1.0.0 (Debian 11's package, CPU) logs for this solver: signs of intervals do not matter, a
  /// test of no batches has no results, the step at iteration 0 is told, and a bound of 0 clips all.
  @Test func whatCaffeAcceptsGoesAsThere() throws {
    let shop = try Workshop(solver: "")
    try shop.folder.write(
      "odd.prototxt",
      """
      layer { name: 'in' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 1 dim: 1 } data_filler { value: 1 } } }
      layer { name: 'ip' type: 'InnerProduct' bottom: 'x' top: 'y' loss_weight: 1 inner_product_param { num_output: 1 } }
      """)
    try shop.folder.write(
      "odd_solver.prototxt",
      """
      net: 'odd.prototxt' base_lr: 0.1 lr_policy: 'multistep' gamma: 0.5 stepvalue: 0 max_iter: 3 display: -2
      test_iter: 0 test_interval: 2 clip_gradients: 0 snapshot: -2 snapshot_prefix: 's'
      """)
    let log = try shop.run("train", "--solver", "odd_solver.prototxt").log
    let untimed = log.drop { $0 != "Solving " }.map { $0.replacing(/[ ]\(.*iters\)/, with: "") }
    #expect(
      untimed == [
        "Solving ", "Learning Rate Policy: multistep", "Iteration 0, Testing net (#0)",
        "Iteration 0, loss = 0", "    Train net output #0: y = 0 (* 1 = 0 loss)",
        "MultiStep Status: Iteration 0, step = 1", "Iteration 0, lr = 0.05",
        "Gradient clipping: scaling down gradients (L2 norm 1.41421 > 0) by scale factor 0",
        "Gradient clipping: scaling down gradients (L2 norm 1.41421 > 0) by scale factor 0",
        "Snapshotting to binary proto file s_iter_2.caffemodel",
        "Snapshotting solver state to binary proto file s_iter_2.solverstate",
        "Iteration 2, Testing net (#0)", "Iteration 2, loss = 0",
        "    Train net output #0: y = 0 (* 1 = 0 loss)", "Iteration 2, lr = 0.05",
        "Gradient clipping: scaling down gradients (L2 norm 1.41421 > 0) by scale factor 0",
        "Snapshotting to binary proto file s_iter_3.caffemodel",
        "Snapshotting solver state to binary proto file s_iter_3.solverstate", "Optimization Done.",
        "Optimization Done.",
      ])
  }

  @Test(arguments: [
    ["train", "--solver", "solver.prototxt", "--sigint-effect", "stop"],
    ["train", "-solver", "solver.prototxt", "-sigint_effect", "stop"],
    ["train", "--solver=solver.prototxt", "--sighup_effect=none", "--engine=caffe"],
    ["train", "-solver=solver.prototxt", "-gpu", "0", "-engine", "ONEDNN"],
  ])
  func flagsAreReadInBothSpellings(arguments: [String]) throws {
    let shop = try Workshop(solver: "max_iter: 1 snapshot_prefix: \"tiny\"")
    let outcome = try shop.run(arguments)
    #expect(outcome.status == 0 && outcome.complaints.isEmpty, "\(outcome)")
    #expect(shop.folder.exists("tiny_iter_1.solverstate"))
  }

  @Test(arguments: [
    (["train"], "--solver"),
    (["train", "--solver", "a", "--snapshot", "b", "--weights", "c"], "but not both"),
    (["train", "--solver", "a", "--snapshot", "b", "--skip-mismatch"], "not with a snapshot"),
    (["train", "--sovler", "a"], "--solver"),
    (["train", "--solver", "a", "--sigint_effect", "halt"], "--sigint-effect"),
    (["test", "--model", "a"], "--weights"),
    (["test", "--model", "a", "--weights", "b", "--iterations", "0"], "at least 1"),
    (["time"], "one of the two"),
    (["time", "--model", "a", "--solver", "b"], "one of the two"),
    (["time", "--solver", "a", "--table"], "go with --model"),
    (["time", "--model", "a", "--table", "--verbose"], "adds to Caffe's lines"),
    (["time", "--model", "a", "--iterations", "-3"], "iterations"),
    (["export", "a"], "<output>"),
    (["paint"], "paint"),
  ])
  func wrongUseExitsWith64(arguments: [String], words: String) throws {
    let outcome = try Run(arguments, in: TemporaryFolder()).outcome()
    #expect(outcome.status == 64 && outcome.errors.contains(words), "\(outcome)")
    #expect(outcome.errors.contains("Usage: caffe-swift"), "\(outcome)")
  }

  @Test(arguments: [
    (["--help"], "A first run:"), (["train", "--help"], "Resume:"), (["--version"], "caffe-swift "),
    (["help", "time"], "--json"),
  ])
  func helpTeaches(arguments: [String], words: String) throws {
    let outcome = try Run(arguments, in: TemporaryFolder()).outcome()
    #expect(outcome.status == 0 && outcome.output.contains(words), "\(outcome)")
  }
}

/// `caffe-swift time`.
@Suite struct TimeTests {
  @Test func iterationsAreTimedAsOneObject() throws {
    // Neither test nets nor snapshots take part, so what they lack does no harm.
    let shop = try Workshop(
      solver: "test_net: \"gone\" test_interval: 5 snapshot: 5 snapshot_prefix: \"no/such/folder\"")
    let outcome = try shop.run(
      "time", "--solver", "solver.prototxt", "--iterations", "5", "--json", "-")
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.output.split(separator: "\n").count == 1)
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    for key in ["iteration_ms", "forward_ms", "backward_ms", "update_ms", "peak_mb"] {
      #expect(try #require(object[key] as? Double) > 0, "\(key)")
    }
    #expect(try #require(object["data_wait_ms"] as? Double) >= 0)
    let toFile = try shop.run(
      "time", "-solver", "solver.prototxt", "-iterations", "2", "-json", "t.json")
    #expect(toFile.output.isEmpty && shop.folder.exists("t.json"), "\(toFile)")
    let plain = try shop.run("time", "--solver", "solver.prototxt", "--iterations", "2")
    #expect(plain.output.hasPrefix("tiny: iteration "), "\(plain)")
  }

  @Test func layersAreShownAsATable() throws {
    let outcome = try Workshop().run(
      "time", "--model", "net.prototxt", "--iterations", "2", "--table")
    #expect(outcome.status == 0, "\(outcome)")
    let lines = outcome.output.split(separator: "\n")
    for word in ["order", "forward ms", "GFLOP/s", "of peak", "GB/s", "conversions"] {
      #expect(lines.contains { $0.hasPrefix("layer ") && $0.contains(word) }, "\(word)")
    }
    let row = try #require(lines.first { $0.hasPrefix("conv ") })
    #expect(row.contains("ONEDNN ") && row.contains(" %"), "\(row)")
    #expect(lines.contains { $0.hasPrefix("peak: ") })
  }

  @Test func layersAreToldAsJSONAndAsATrace() throws {
    let shop = try Workshop()
    let outcome = try shop.run(
      "time", "--model", "net.prototxt", "--iterations", "2", "--json", "-", "--trace", "t.json")
    #expect(outcome.status == 0, "\(outcome)")
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    let layers = try #require(object["layers"] as? [[String: Any]])
    let conv = try #require(layers.first { $0["name"] as? String == "conv" })
    for key in ["forward_ms", "backward_ms", "gflops", "share_of_peak", "gigabytes_per_second"] {
      #expect(try #require(conv[key] as? Double) > 0, "\(key)")
    }
    let trace = try #require(
      JSONSerialization.jsonObject(with: Data(try shop.folder.read("t.json"))) as? [String: Any])
    let events = try #require(trace["traceEvents"] as? [[String: Any]])
    #expect(events.count == 2 * layers.count)
    let ends = events.map { ($0["ts"] as? Double ?? -1) + ($0["dur"] as? Double ?? -1) }
    #expect(zip(events.dropFirst(), ends).allSatisfy { ($0["ts"] as? Double ?? -1) >= $1 - 1e-6 })
    let refused = try shop.run("time", "--solver", "solver.prototxt", "--table")
    #expect(refused.status != 0 && refused.errors.contains("--table"), "\(refused)")
  }

  @Test(arguments: ["TRAIN", "TEST"])
  func layersAreTimedAsByCaffe(phase: String) throws {
    let shop = try Workshop()
    let outcome = try shop.run(
      "time", "-model", "net.prototxt", "-iterations", "3", "-phase", phase, "--verbose")
    #expect(outcome.status == 0, "\(outcome)")
    for pattern in [
      /Initial loss: .+/, /Iteration: 3 forward-backward time: .+ ms\./,
      /Average Forward pass: .+ ms\./, /Average Backward pass: .+ ms\./,
      /Average Forward-Backward: .+ ms\./, /Total Time: .+ ms\./,
    ] {
      #expect(outcome.log.filter { $0.wholeMatch(of: pattern) != nil }.count == 1, "\(outcome)")
    }
    for layer in ["data", "conv", "drop", "ip", "loss"] {
      let forward = outcome.log.filter {
        $0.hasSuffix(" ms.") && $0.contains("\(layer)\tforward: ")
      }
      #expect(forward.count == 1, "\(layer)")
    }
    #expect(outcome.log.contains { $0.contains("conv\tengine: ") })
  }
}

extension Array {
  /// The longest end of the array whose elements all satisfy `isWanted`, after dropping what follows
  /// the last of them.
  fileprivate func suffix(_ isWanted: (Element) -> Bool) -> [Element] {
    guard let last = lastIndex(where: isWanted) else { return [] }
    let first = self[...last].lastIndex { !isWanted($0) }.map { $0 + 1 } ?? 0
    return Array(self[first...last])
  }
}
