import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeSchema

/// Checks on a solver's fields that need no net.
package enum SolverChecks {
  package static func check(_ solver: SolverParameter) throws {
    _ = try SolverMethod(solver)
    _ = try TrustRatio(solver)
    _ = try LearningRate(solver)
    guard solver.iterSize >= 1 else {
      throw CaffeError("iter_size must be at least 1, got \(solver.iterSize)")
    }
    guard solver.averageLoss >= 1 else {
      throw CaffeError("average_loss must be at least 1, got \(solver.averageLoss)")
    }
    for (value, field) in [
      (solver.maxEpoch, "max_epoch"), (solver.earlyStopPatience, "early_stop_patience"),
      (solver.snapshotKeepLast, "snapshot_keep_last"),
    ] where value < 0 {
      throw CaffeError("\(field) must not be negative, got \(value)")
    }
    guard knowsRegularization(of: solver) || solver.weightDecay == 0 else {
      throw CaffeError(
        "Unknown regularization type: \(solver.regularizationType) (known: L1, L2)")
    }
  }
}

extension SolverChecks {
  /// Checks before any training that snapshots will be able to keep the train net's layers apart.
  static func checkNames(of net: Net, for solver: SolverParameter, prefix: String) throws {
    guard keepsLayersByName(solver, prefix: prefix) else { return }
    let layers = net.layers.map { (name: $0.name, hasBlobs: !$0.parameters.isEmpty) }
    guard let namesake = Weights.namesake(in: layers) else { return }
    try withPlace(net.description.place) {
      throw CaffeError(
        namesakeRefusal, places: [Layer.place(of: net.layers[namesake].parameter)])
    }
  }

  /// Whether the run takes snapshots in HDF5 without being asked by a signal.
  package static func keepsLayersByName(_ solver: SolverParameter, prefix: String) -> Bool {
    solver.snapshotFormat == .hdf5 && SnapshotPrefix.isNeeded(solver, prefix: prefix)
  }

  package static let namesakeRefusal =
    "a layer before it has its name, and snapshots in HDF5 need names that are unique: rename one"
}

extension SolverChecks {
  private static func knowsRegularization(of solver: SolverParameter) -> Bool {
    ["L1", "L2"].contains(solver.regularizationType)
  }

  /// What is allowed, as in Caffe, but seldom meant.
  package static func remarks(on solver: SolverParameter) -> [String] {
    var remarks: [String] = []
    if !solver.hasBaseLr { remarks.append("base_lr is not set: the weights will stay as they are") }
    for field in LearningRateFields(solver).unset {
      remarks.append("lr_policy \"\(solver.lrPolicy)\" takes \(field), which is not set, as 0")
    }
    if solver.clipGradients == 0 {
      remarks.append("clip_gradients: 0 makes every gradient 0; to clip none, leave it out")
    }
    if !knowsRegularization(of: solver) {
      remarks.append("Unknown regularization type: \(solver.regularizationType): there is no decay")
    }
    for (value, field) in [(solver.display, "display"), (solver.snapshot, "snapshot")]
    where value < 0 {
      remarks.append("\(field): \(value) means the same as \(-value); to turn it off, leave it out")
    }
    for (index, value) in solver.testIter.enumerated() where value < 1 {
      remarks.append("test_iter: \(value) tests nothing with test net (#\(index))")
    }
    if solver.lrPolicy == "multistep" && solver.stepvalue.isEmpty {
      remarks.append("lr_policy \"multistep\" has no stepvalue: the learning rate never changes")
    }
    return remarks
  }
}

/// Where the key of a run's random numbers comes from.
enum SolverSeed {
  /// `random_seed` if it is set and not negative, else `otherwise`, else the system's entropy.
  static func choose(_ solver: SolverParameter, otherwise: UInt64?) -> UInt64 {
    if solver.randomSeed >= 0 { return UInt64(solver.randomSeed) }
    return otherwise ?? UInt64.random(in: 0..<UInt64(Int64.max))
  }
}
