import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Testing

/// The policy `plateau`, whose rate depends on all losses so far, in a run that is interrupted.
@Suite struct PlateauResumeTests {
  private func solver(_ format: String, _ folder: TemporaryFolder, resuming: String? = nil) throws
    -> Solver
  {
    try Solver(
      SolverParameter(
        text: """
          base_lr: 0.05 momentum: 0.9 lr_policy: 'plateau' gamma: 0.5 random_seed: 3
          plateau_winsize: 4 plateau_winsize: 3 plateau_winsize: 2 warmup_iter: 3 average_loss: 2
          min_lr: 0.007 max_iter: 30 snapshot: 1 snapshot_prefix: 'run' snapshot_format: \(format)
          net_param {
            layer { name: 'd' type: 'HDF5Data' top: 'data' top: 'label' hdf5_data_param { source: 'list.txt' batch_size: 7 shuffle: true } }
            layer { name: 'ip' type: 'InnerProduct' bottom: 'data' top: 'y' inner_product_param { num_output: 3 weight_filler { type: 'xavier' } } }
            layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'y' bottom: 'label' top: 'loss' }
          }
          """, file: "solver"), resuming: resuming.map { folder($0) }, folder: folder.path)
  }

  /// The loss of a warm-up says nothing about the policy: with windows of 2 after a warm-up of 5, a loss
  /// that stays takes its first step at iteration 7.
  @Test func windowsBeginAfterTheWarmUp() throws {
    let solver = try Solver(
      SolverParameter(
        text: """
          base_lr: 1 lr_policy: 'plateau' gamma: 0.5 plateau_winsize: 2 plateau_winsize: 2 warmup_iter: 5
          net_param {
            layer { name: 'in' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 1 dim: 1 } } }
            layer { name: 'ip' type: 'InnerProduct' bottom: 'x' top: 'y' loss_weight: 1 inner_product_param { num_output: 1 bias_term: false } }
          }
          """, file: "solver"))
    var rates: [Float] = []
    for _ in 0..<11 {
      try solver.trainOnce()
      rates.append(solver.rate(at: solver.iteration - 1))
    }
    #expect(rates == [0, 0.2, 0.4, 0.6, 0.8, 1, 1, 0.5, 0.5, 0.25, 0.25])
  }

  @Test(arguments: ["BINARYPROTO", "HDF5"])
  func ratesGoOnAsIfNothingHadHappened(format: String) throws {
    let folder = try TemporaryFolder()
    try SmallData.writeHDF5(to: folder)
    let whole = try solver(format, folder)
    var steps: [Int] = []
    for _ in 0..<30 {
      try whole.step(1)
      steps.append(whole.run.plateauStep)
    }
    // A run that takes no step, or all at once, would show nothing.
    #expect(Set(steps) == [0, 1, 2, 3], "\(steps)")
    let ending = format == "HDF5" ? ".solverstate.h5" : ".solverstate"
    for pause in 1..<30 {
      let rest = try solver(format, folder, resuming: "run_iter_\(pause)\(ending)")
      #expect(rest.run.plateauStep == steps[pause - 1], "from \(pause)")
      try rest.solve()
      #expect(
        rest.net.parameters.map(\.blob.data.values) == whole.net.parameters.map(\.blob.data.values),
        "from \(pause)")
      #expect(rest.run.plateauIter == whole.run.plateauIter, "from \(pause)")
    }
  }
}
