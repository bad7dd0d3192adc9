import CaffeErrors
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Testing

/// A run whose weight is −i after i iterations, and whose test loss `distance` is ½·(5 − i)²: best at
/// iteration 5. The output `height` is i.
@Suite struct EarlyStopTests {
  private struct Run {
    let folder: TemporaryFolder
    let solver: Solver

    init(_ fields: String, in folder: TemporaryFolder, resuming state: String? = nil) throws {
      self.folder = folder
      solver = try Solver(
        SolverParameter(
          text: """
            base_lr: 1 lr_policy: 'fixed' snapshot_prefix: 'run' \(fields)
            \(fields.contains("max_iter") ? "" : "max_iter: 20")
            test_iter: 1 \(fields.contains("test_interval") ? "" : "test_interval: 1")
            net_param {
              layer { name: 'in' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 1 dim: 1 } data_filler { value: 1 } } }
              layer { name: 'ip' type: 'InnerProduct' bottom: 'x' top: 'y' inner_product_param { num_output: 1 bias_term: false } }
              layer { name: 'sum' type: 'Reduction' bottom: 'y' top: 'sum' loss_weight: 1 include { phase: TRAIN } }
              layer { name: 'aim' type: 'DummyData' top: 'aim' dummy_data_param { shape { dim: 1 dim: 1 } data_filler { value: -5 } } include { phase: TEST } }
              layer { name: 'distance' type: 'EuclideanLoss' bottom: 'y' bottom: 'aim' top: 'distance' include { phase: TEST } }
              layer { name: 'height' type: 'Power' bottom: 'y' top: 'height' power_param { scale: -1 } include { phase: TEST } }
            }
            """, file: "solver"), resuming: state.map { folder($0) }, folder: folder.path)
    }

    /// The iterations of which both files are there, and of which only one is.
    func snapshots() throws -> (whole: [Int], halves: [String]) {
      let names = try folder.names().filter { $0.hasPrefix("run_iter_") }
      let stems = Dictionary(grouping: names) { String($0.split(separator: ".")[0]) }
      let whole = stems.filter { $0.value.count == 2 }.keys.compactMap { Int($0.dropFirst(9)) }
      return (whole.sorted(), stems.filter { $0.value.count != 2 }.keys.sorted())
    }
  }

  @Test(
    arguments: [
      // Iteration 5 is the best; the patience is over at 8.
      ("early_stop_patience: 3", 8),
      ("early_stop_patience: 3 monitor: 'distance'", 8),
      // Tests count, not iterations; 6 is only as good as 4.
      ("early_stop_patience: 2 test_interval: 2", 8),
      // Higher is better, for ever, for an output that is no loss; unless told otherwise.
      ("early_stop_patience: 3 monitor: 'height'", 20),
      ("early_stop_patience: 3 monitor: 'height' monitor_mode: MIN", 4),
      ("early_stop_patience: 3 monitor_mode: MAX", 4),
      // Iteration 0 counts neither as a score nor as a test.
      ("early_stop_patience: 1 monitor: 'height' monitor_mode: MIN", 2),
      ("monitor: 'distance'", 20),
    ] as [(String, Int)])
  func endsWhenTestsShowNoProgress(fields: String, end: Int) throws {
    let run = try Run(
      fields + " snapshot_after_train: false",
      in: TemporaryFolder())
    #expect(try run.solver.solve())
    #expect(run.solver.iteration == end)
    #expect(run.solver.hasStoppedEarly == (end < 20))
  }

  @Test(
    arguments: [
      ("", [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]),
      ("snapshot_keep_last: 1", [20]),
      ("snapshot_keep_last: 3", [16, 18, 20]),
      // The best is no snapshot of the interval: it is written for its score, and stays.
      ("snapshot_keep_last: 2 snapshot_keep_best: true", [5, 18, 20]),
      ("snapshot_keep_last: 2 snapshot_keep_best: true early_stop_patience: 3", [5, 6, 8]),
      ("snapshot_keep_last: 1 snapshot_keep_best: true snapshot: 5", [5, 20]),
      // Superseded bests are removed, unless they are among the last: here each test is the best.
      ("snapshot_keep_last: 2 snapshot_keep_best: true monitor: 'height'", [18, 20]),
      ("snapshot_keep_best: true early_stop_patience: 2 snapshot: 4", [4, 5, 7]),
      ("snapshot_keep_last: 2 max_iter: 7", [6, 7]),
    ] as [(String, [Int])], ["BINARYPROTO", "HDF5"])
  func keepsTheBestAndTheLast(setting: (fields: String, left: [Int]), format: String) throws {
    let fields = setting.fields.contains("snapshot: ") ? "" : " snapshot: 2"
    let run = try Run(
      setting.fields + fields + " snapshot_format: \(format)", in: TemporaryFolder())
    try run.solver.solve()
    let snapshots = try run.snapshots()
    #expect(snapshots.whole == setting.left)
    #expect(snapshots.halves == [])
  }

  /// Resumed from every snapshot there ever was, the run ends at the same iteration with the same
  /// files, byte for byte.
  @Test(arguments: ["BINARYPROTO", "HDF5"])
  func resumedRunsDecideTheSame(format: String) throws {
    let fields = """
      snapshot: 2 snapshot_keep_last: 2 snapshot_keep_best: true early_stop_patience: 3
      snapshot_format: \(format)
      """
    let whole = try Run(fields, in: TemporaryFolder())
    try whole.solver.solve()
    let names = try whole.folder.names()
    let expected = try names.map { try whole.folder.read($0) }
    let ending = format == "HDF5" ? ".solverstate.h5" : ".solverstate"
    for stop in 1...8 {
      let folder = try TemporaryFolder()
      let first = try Run(fields, in: folder)
      try first.solver.step(stop)
      try first.solver.snapshot()
      let second = try Run(fields, in: folder, resuming: "run_iter_\(stop)\(ending)")
      try second.solver.solve()
      #expect(second.solver.iteration == 8 && second.solver.run.bestIter == 5, "from \(stop)")
      #expect(second.solver.run.testsSinceBest == whole.solver.run.testsSinceBest, "from \(stop)")
      // A snapshot of `stop` that the whole run would not have taken may be among the last.
      guard stop % 2 == 0 else { continue }
      #expect(try folder.names() == names, "from \(stop)")
      for (name, bytes) in zip(names, expected) where name.contains("caffemodel") {
        #expect(try folder.read(name) == bytes, "\(name) from \(stop)")
      }
    }
  }

  /// A snapshot taken for its score, or after the last test, repeats that test when it is resumed.
  @Test(arguments: ["BINARYPROTO", "HDF5"], [5, 6, 8])
  func theTestOfTheSnapshotIsRepeated(format: String, stop: Int) throws {
    let fields = "snapshot: 2 snapshot_keep_last: 2 snapshot_keep_best: true early_stop_patience: 3"
    let folder = try TemporaryFolder()
    let whole = try Run("\(fields) snapshot_format: \(format)", in: folder)
    try whole.solver.solve()
    let names = try folder.names()
    let rest = try Run(
      "\(fields) snapshot_format: \(format)", in: folder,
      resuming: "run_iter_\(stop).solverstate" + (format == "HDF5" ? ".h5" : ""))
    try rest.solver.solve()
    #expect(rest.solver.iteration == 8)
    #expect(rest.solver.run.testsSinceBest == 3)
    #expect(try folder.names() == names)
  }

  /// Weights that are no numbers never replace a snapshot.
  @Test func divergedWeightsAreNotSaved() throws {
    let run = try Run("snapshot: 2 snapshot_keep_last: 1", in: TemporaryFolder())
    try run.solver.step(3)
    run.solver.net.parameters[0].blob.data.values = [.nan]
    let refused = refusal { try run.solver.snapshot() }
    #expect(refused.hasPrefix("the weights became infinite or not a number at iteration 3"))
    #expect(refused.hasSuffix("the last good snapshot is \(run.folder("run_iter_2.solverstate"))"))
    #expect(try run.snapshots().whole == [2])
  }
}
