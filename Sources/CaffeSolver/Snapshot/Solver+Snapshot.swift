import CaffeCore
import CaffeData
import CaffeErrors
import CaffeKernels
import CaffeNet
import CaffeSchema
import Glibc

extension Solver {
  /// Writes weights and state; both get their names when both are complete on the disk, the weights
  /// first, so that a state on disk never names weights that are not there. Then removes what
  /// `snapshot_keep_last` does not keep.
  ///
  /// - Throws: weights that are not finite, or a file that cannot be written; earlier snapshots are
  ///   untouched then.
  public func snapshot() throws {
    let listed = run.snapshot.filter { $0 != iteration } + [iteration]
    try writeSnapshot(listing: listed)
    run.snapshot = listed
    removeOldSnapshots()
  }

  /// - Parameter iterations: of the snapshots that count as the last ones.
  func writeSnapshot(listing iterations: [Int]) throws {
    guard Vector.isFinite(net.store.data.read(), count: net.store.count) else {
      throw divergence("the weights became infinite or not a number")
    }
    let kind = parameter.snapshotFormat == .hdf5 ? "HDF5" : "binary proto"
    let files = snapshotFiles(at: iteration)
    log.info("Snapshotting to \(kind) file \(files.model)")
    let model = try net.prepareWeights(
      files.model, includingGradients: parameter.snapshotDiff)
    log.info("Snapshotting solver state to \(kind) file \(files.state)")
    let state = try trainingState(learnedNet: files.model, listing: iterations).prepare(files.state)
    try PreparedFile.commit(model, then: state)
    lastSnapshot = files.state
    writtenIteration = iteration
    try observer?.solver(self, wroteSnapshot: files.model)
  }

  /// The names that a snapshot of this iteration has.
  func snapshotFiles(at iteration: Int) -> (model: String, state: String) {
    let stem = "\(snapshotPrefix)_iter_\(iteration)"
    let ending = parameter.snapshotFormat == .hdf5 ? ".h5" : ""
    return (stem + ".caffemodel" + ending, stem + ".solverstate" + ending)
  }

  private func trainingState(learnedNet: String, listing iterations: [Int]) -> TrainingState {
    var extras = extrasBeforeTest ?? extras()
    extras.run.snapshot = iterations
    return TrainingState(
      iteration: iteration, learnedNet: learnedNet,
      currentStep: max(learningRate.step(at: iteration - 1), run.plateauStep),
      history: (0..<update.historyCount).flatMap { buffer in
        net.store.segments.indices.map { BlobProto(net.store.history(buffer, of: $0)) }
      },
      extras: extras)
  }

  /// The state of the run that Caffe's own part of a snapshot does not have, as it is now.
  func extras() -> TrainingState.Extras {
    TrainingState.Extras(
      seed: seed, nets: ([net] + testNets).map(\.progress), lossWindow: lossWindow.losses,
      solverType: parameter.type, run: run)
  }

  /// Continues from a state that this solver or BVLC Caffe wrote, in either format.
  ///
  /// The weights it names are looked for where they were written, then beside the state.
  ///
  /// - Throws: a file that is no state, weights that are missing, histories that do not fit the net
  ///   or belong to another type of solver.
  public func restore(from path: String) throws {
    try restore(TrainingState.read(path), from: path)
  }

  func restore(_ state: TrainingState, from path: String) throws {
    if !path.hasSuffix(".h5") { log.info("SGDSolver: restoring history") }
    try withPlace(path) {
      try check(state)
      try loadWeights(of: state, beside: path)
      for (index, blob) in state.history.enumerated() {
        let parameters = net.store.segments.count
        let target = net.store.history(index / parameters, of: index % parameters)
        try withPlace("history \(index)") { try blob.copyValues(to: target) }
      }
    }
    iteration = state.iteration
    lastSnapshot = path
    guard let extras = state.extras else {
      // The SSD branch of Caffe keeps the steps of its plateau here.
      if parameter.lrPolicy == "plateau" { run.plateauStep = max(0, state.currentStep) }
      return
    }
    run = extras.run
    lossWindow = LossWindow(capacity: parameter.averageLoss, losses: extras.lossWindow)
    for (net, progress) in zip([net] + testNets, extras.nets) {
      try net.resume(at: progress) { log.warning("\($0)") }
    }
    if extras.seed != seed {
      log.warning(
        "random_seed \(seed) is not the one of the interrupted run (\(extras.seed)): random numbers go on differently"
      )
    }
  }

  private func check(_ state: TrainingState) throws {
    if let written = state.extras?.solverType, written != parameter.type {
      throw CaffeError(
        "the state was written by a solver of type \"\(written)\", this one is of type \"\(parameter.type)\""
      )
    }
    let wanted = net.store.segments.count * update.historyCount
    guard state.history.count == wanted else {
      throw CaffeError(
        "Incorrect length of history blobs: the state has \(state.history.count), type \"\(parameter.type)\" and this net need \(wanted)"
      )
    }
    for (index, blob) in state.history.enumerated() {
      let shape = net.store.segments[index % net.store.segments.count].shape
      guard blob.fits(shape), blob.values.count == shape.count else {
        throw CaffeError(
          "history \(index) has shape \(blob.shapeText), \(owner(of: index)) needs \(shape)")
      }
    }
  }

  /// `param 0 of layer 'conv1'`, which history `index` belongs to.
  private func owner(of index: Int) -> String {
    let offset = net.store.segments[index % net.store.segments.count].offset
    let owner = net.parameters.first { $0.segment?.offset == offset }
    return owner.map { "param \($0.displayName) of layer '\($0.layer)'" } ?? "the net"
  }

  /// - Throws: weights that lack a layer, which would then go on with values that it was not left with.
  private func loadWeights(of state: TrainingState, beside path: String) throws {
    let file = try weights(of: state, beside: path)
    let weights = try Weights(contentsOf: file)
    let names = Set(weights.layers.map(\.name))
    try withPlace(file) {
      for layer in net.layers where !layer.parameters.isEmpty && !names.contains(layer.name) {
        throw CaffeError(
          "there are no weights for layer '\(layer.name)': the net has changed since the snapshot; to start from its weights, give them to --weights"
        )
      }
      try net.copyWeights(weights) { log.info("\($0)") }
    }
  }

  /// Looks for a file only: a pipe or device that a state names could be read without an end.
  private func weights(of state: TrainingState, beside path: String) throws -> String {
    guard !state.learnedNet.isEmpty else { throw CaffeError("the state names no weights") }
    let file = state.learnedNet.split(separator: "/").last ?? ""
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let sibling = (folder + [file]).joined(separator: "/")
    guard
      let found = [state.learnedNet, sibling].first(where: { (path: String) in
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
          && access(path, R_OK) == 0
      })
    else {
      throw CaffeError(
        "the weights it names are neither at \(state.learnedNet) nor at \(sibling)")
    }
    return found
  }
}
