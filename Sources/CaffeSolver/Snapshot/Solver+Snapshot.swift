import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeSchema
import Glibc

extension Solver {
  /// Writes weights and state, each in full or not at all, and the weights first, so that a state on
  /// disk never names weights that are not there.
  ///
  /// - Throws: when a file cannot be written; earlier snapshots are untouched.
  public func snapshot() throws {
    let isHDF5 = parameter.snapshotFormat == .hdf5
    let stem = "\(snapshotPrefix)_iter_\(iteration)"
    let kind = isHDF5 ? "HDF5" : "binary proto"
    let model = stem + (isHDF5 ? ".caffemodel.h5" : ".caffemodel")
    log.info("Snapshotting to \(kind) file \(model)")
    try net.saveWeights(to: model, includingGradients: parameter.snapshotDiff)
    let state = stem + (isHDF5 ? ".solverstate.h5" : ".solverstate")
    log.info("Snapshotting solver state to \(kind) file \(state)")
    try trainingState(learnedNet: model).write(to: state)
    lastSnapshot = state
  }

  private func trainingState(learnedNet: String) -> TrainingState {
    TrainingState(
      iteration: iteration, learnedNet: learnedNet,
      currentStep: learningRate.step(at: max(0, iteration - 1)),
      history: (0..<update.historyCount).flatMap { buffer in
        net.store.segments.indices.map { BlobProto(net.store.history(buffer, of: $0)) }
      },
      extras: TrainingState.Extras(
        seed: seed, nets: [net.progress] + (progressBeforeTest ?? testNets.map(\.progress)),
        lossWindow: lossWindow.losses, solverType: parameter.type))
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
    log.info("Restoring previous solver status from \(path)")
    try withPlace(path) {
      try check(state)
      try net.loadWeights(from: try weights(of: state, beside: path)) { log.info("\($0)") }
      for (index, blob) in state.history.enumerated() {
        let parameters = net.store.segments.count
        let target = net.store.history(index / parameters, of: index % parameters)
        try withPlace("history \(index)") { try blob.copyValues(to: target) }
      }
    }
    iteration = state.iteration
    lastSnapshot = path
    guard let extras = state.extras else { return }
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
        throw CaffeError("history \(index) has shape \(blob.shapeText), the net needs \(shape)")
      }
    }
  }

  private func weights(of state: TrainingState, beside path: String) throws -> String {
    guard !state.learnedNet.isEmpty else { throw CaffeError("the state names no weights") }
    let file = state.learnedNet.split(separator: "/").last ?? ""
    let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    let sibling = (folder + [file]).joined(separator: "/")
    guard
      let found = [state.learnedNet, sibling].first(where: { (path: String) in
        access(path, R_OK) == 0
      })
    else {
      throw CaffeError(
        "the weights it names are neither at \(state.learnedNet) nor at \(sibling)")
    }
    return found
  }

  /// Checks before any training that snapshots will find a folder to go to.
  static func checkSnapshotFolder(_ solver: SolverParameter, prefix: String) throws {
    guard solver.snapshot > 0 || solver.snapshotAfterTrain && !prefix.isEmpty else { return }
    guard !prefix.isEmpty else {
      throw CaffeError("In solver params, snapshot is specified but snapshot_prefix is not")
    }
    let folder = prefix.lastIndex(of: "/").map { String(prefix[...$0]) } ?? "."
    guard access(folder, W_OK | X_OK) == 0 else {
      throw CaffeError(
        "Cannot write to snapshot prefix '\(prefix)'.  Make sure that the directory exists and is writable."
      )
    }
  }
}
