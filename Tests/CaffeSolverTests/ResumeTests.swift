import CaffeData
import CaffeNet
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Testing

/// A resumed run is the run that was not interrupted, bit for bit: weights, losses and test scores.
@Suite struct ResumeTests {
  enum Source: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case lmdb, hdf5, sequences
    var testDescription: String { rawValue }

    /// Random crops and mirrors, rows in random order, or sequences longer than a batch.
    var layers: String {
      switch self {
      case .lmdb:
        """
        layer { name: 'd' type: 'Data' top: 'data' top: 'label' include { phase: TRAIN } transform_param { scale: 0.004 crop_size: 4 mirror: true } data_param { source: 'data' batch_size: 7 backend: LMDB } }
        layer { name: 'd' type: 'Data' top: 'data' top: 'label' include { phase: TEST } transform_param { scale: 0.004 crop_size: 4 } data_param { source: 'data' batch_size: 6 backend: LMDB } }
        """
      case .hdf5:
        "layer { name: 'd' type: 'HDF5Data' top: 'data' top: 'label' hdf5_data_param { source: 'list.txt' batch_size: 7 shuffle: true } }"
      case .sequences:
        """
        layer { name: 'd' type: 'HDF5Data' top: 'rows' top: 'flags' top: 'label' hdf5_data_param { source: 'sequences.txt' batch_size: 6 } }
        layer { name: 'x' type: 'Reshape' bottom: 'rows' top: 'data' reshape_param { shape { dim: 3 dim: 2 dim: 5 } } }
        layer { name: 'c' type: 'Reshape' bottom: 'flags' top: 'cont' reshape_param { shape { dim: 3 dim: 2 } } }
        """
      }
    }

    /// What makes `a` of `data`.
    var body: String {
      self == .sequences
        ? """
        layer { name: 'deep/lstm' type: 'LSTM' bottom: 'data' bottom: 'cont' top: 'h' recurrent_param { num_output: 4 weight_filler { type: 'xavier' } } }
        layer { name: 'rnn' type: 'RNN' bottom: 'h' bottom: 'cont' top: 'r' recurrent_param { num_output: 8 weight_filler { type: 'xavier' } } }
        layer { name: 'a' type: 'Reshape' bottom: 'r' top: 'a' reshape_param { shape { dim: 6 dim: 8 } } }
        """
        : "layer { name: 'a' type: 'InnerProduct' bottom: 'data' top: 'a' inner_product_param { num_output: 8 weight_filler { type: 'xavier' } } }"
    }
  }

  static let steps = 23

  private struct Laboratory {
    let folder: TemporaryFolder
    let parameter: SolverParameter

    init(_ source: Source, _ format: String, solver: String, seed: String) throws {
      folder = try TemporaryFolder()
      try SmallData.writeLMDB(to: folder)
      try SmallData.writeHDF5(to: folder)
      try Laboratory.writeSequences(to: folder)
      parameter = try SolverParameter(
        text: """
          \(solver) base_lr: 0.02 weight_decay: 0.01 lr_policy: 'multistep' gamma: 0.5 stepvalue: 6
          snapshot_prefix: 'run' snapshot_format: \(format) max_iter: \(steps) average_loss: 4
          test_iter: 2 test_interval: 5 iter_size: 2 \(seed)
          net_param {
            \(source.layers)
            \(source.body)
            layer { name: 'drop' type: 'Dropout' bottom: 'a' top: 'a' }
            layer { name: 'b' type: 'InnerProduct' bottom: 'a' top: 'b' inner_product_param { num_output: 3 weight_filler { type: 'xavier' } } }
            layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'b' bottom: 'label' top: 'loss' }
          }
          """, file: "solver")
    }

    /// Rows of 5 with their classes; every eleventh begins a sequence.
    private static func writeSequences(to folder: TemporaryFolder) throws {
      var random = TestRandom(seed: 13)
      let file = try HDF5File(creating: folder("sequences.h5"))
      try file.write("rows", random.values(44 * 5), shape: [44, 5])
      try file.write("flags", (0..<44).map { Float($0 % 11 == 0 ? 0 : 1) }, shape: [44])
      try file.write("label", (0..<44).map { Float($0 % 3) }, shape: [44])
      try file.close()
      try folder.write("sequences.txt", "sequences.h5\n")
    }

    func solver(resuming state: String? = nil) throws -> Solver {
      try Solver(parameter, resuming: state, folder: folder.path)
    }
  }

  /// All weights and the loss of every step and test, while training to the end.
  private func finish(
    _ solver: Solver, pausingAt pauses: Set<Int> = []
  ) throws -> (weights: [[Float]], losses: [Int: Float]) {
    var losses: [Int: Float] = [:]
    while solver.iteration < Self.steps {
      if solver.iteration % 5 == 0 { losses[-solver.iteration] = try solver.test(0)?.loss }
      try solver.trainOnce()
      losses[solver.iteration] = solver.net.blob("loss")?.data.values.first
      if pauses.contains(solver.iteration) { try solver.snapshot() }
    }
    return (solver.net.parameters.map(\.blob.data.values), losses)
  }

  @Test(
    arguments: Source.allCases,
    [
      ("BINARYPROTO", "type: 'SGD' momentum: 0.9"), ("HDF5", "type: 'SGD' momentum: 0.9"),
      ("BINARYPROTO", "type: 'Adam' momentum: 0.9"),
      ("HDF5", "type: 'AdaDelta' momentum: 0.9 delta: 1e-5"),
    ])
  func resumedRunsEndTheSame(source: Source, kind: (format: String, solver: String)) throws {
    let laboratory = try Laboratory(
      source, kind.format, solver: kind.solver, seed: "random_seed: 5")
    let pauses = [1, 5, 6, 7, 13, 22]
    let whole = try finish(laboratory.solver(), pausingAt: Set(pauses))
    #expect(whole.losses.count == Self.steps + 5)
    for pause in pauses {
      let state = "run_iter_\(pause).solverstate" + (kind.format == "HDF5" ? ".h5" : "")
      let resumed = try laboratory.solver(resuming: laboratory.folder(state))
      #expect(resumed.iteration == pause)
      let rest = try finish(resumed)
      #expect(rest.weights == whole.weights, "from \(pause)")
      for (step, loss) in rest.losses {
        #expect(loss == whole.losses[step], "\(step) from \(pause)")
      }
    }
  }

  /// A snapshot in the middle of a test leads back to its beginning.
  @Test(arguments: ["BINARYPROTO", "HDF5"])
  func snapshotsDuringATestResumeBeforeIt(format: String) throws {
    let laboratory = try Laboratory(
      .sequences, format, solver: "momentum: 0.9", seed: "random_seed: 1")
    let first = try laboratory.solver()
    for _ in 0..<5 { try first.trainOnce() }
    var requests: [SolverAction] = [.snapshot]
    var polls = 0
    first.requestedAction = {
      polls += 1
      return polls > 1 ? requests.popLast() : nil
    }
    try first.testAll()
    #expect(requests.isEmpty)
    let state = laboratory.folder("run_iter_5.solverstate" + (format == "HDF5" ? ".h5" : ""))
    let resumed = try laboratory.solver(resuming: state)
    try resumed.testAll()
    let score = { (solver: Solver) in try #require(try solver.test(0)) }
    let (ours, theirs) = (try score(resumed), try score(first))
    #expect(ours.loss == theirs.loss && ours.means == theirs.means)
  }

  /// Without random_seed the run's own seed comes back from the state.
  @Test(arguments: ["BINARYPROTO", "HDF5"])
  func seedsTravelInTheState(format: String) throws {
    let laboratory = try Laboratory(.hdf5, format, solver: "momentum: 0.9", seed: "")
    let first = try laboratory.solver()
    let whole = try finish(first, pausingAt: [9])
    let state = laboratory.folder("run_iter_9.solverstate" + (format == "HDF5" ? ".h5" : ""))
    let resumed = try laboratory.solver(resuming: state)
    #expect(resumed.seed == first.seed)
    #expect(try finish(resumed).weights == whole.weights)
  }

  /// A state in another folder finds the weights beside it.
  @Test(arguments: ["BINARYPROTO", "HDF5"])
  func movedSnapshotsAreFound(format: String) throws {
    let laboratory = try Laboratory(.lmdb, format, solver: "momentum: 0.9", seed: "random_seed: 1")
    let solver = try laboratory.solver()
    try solver.trainOnce()
    try solver.snapshot()
    let elsewhere = try TemporaryFolder()
    for name in try laboratory.folder.names() where name.hasPrefix("run_iter_1") {
      try elsewhere.write(name, laboratory.folder.read(name))
      try laboratory.folder.remove(name)
    }
    let state = elsewhere("run_iter_1.solverstate" + (format == "HDF5" ? ".h5" : ""))
    let resumed = try laboratory.solver(resuming: state)
    #expect(
      resumed.net.parameters.map(\.blob.data.values)
        == solver.net.parameters.map(\.blob.data.values))
  }
}
