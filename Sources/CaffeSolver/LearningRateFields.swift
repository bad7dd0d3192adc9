import CaffeErrors
import CaffeSchema

/// The solver's fields that learning-rate policies need.
///
/// In Caffe's own policies `gamma` and `power` are 0 unless they are set, as in Caffe; what else is needed
/// is demanded by name.
struct LearningRateFields {
  let solver: SolverParameter

  init(_ solver: SolverParameter) { self.solver = solver }

  func gamma() throws -> Double {
    guard solver.gamma >= 0 else {
      throw CaffeError("gamma must not be negative, got \(solver.gamma)")
    }
    return Double(solver.gamma)
  }

  var power: Double { Double(solver.power) }

  func stepsize() throws -> Int {
    try demand(solver.hasStepsize, "stepsize")
    guard solver.stepsize > 0 else {
      throw CaffeError("stepsize must be positive, got \(solver.stepsize)")
    }
    return solver.stepsize
  }

  /// Those that the policy reads, are not set, and count as 0.
  var unset: [String] {
    let isSet = ["gamma": solver.hasGamma, "power": solver.hasPower]
    let read =
      switch solver.lrPolicy {
      case "step", "exp", "multistep", "sigmoid": ["gamma"]
      case "inv": ["gamma", "power"]
      case "poly": ["power"]
      default: [] as [String]
      }
    return read.filter { isSet[$0] == false }
  }

  /// The length of the run, more than `warmUp` if there are any iterations.
  ///
  /// - Parameter known: the length, if `max_iter` alone does not tell it. While nobody knows yet how
  ///   long an epoch is, any length will do.
  func iterations(known: Int?, after warmUp: Int = 0) throws -> Int {
    try demand(solver.hasMaxIter || solver.maxEpoch > 0, "max_iter")
    let isOpen = known == nil && solver.maxEpoch > 0
    let iterations = known ?? (isOpen ? .max : solver.maxIter)
    guard iterations > warmUp || iterations <= 0 else {
      throw CaffeError(
        "lr_policy \"\(solver.lrPolicy)\" needs a warm-up shorter than the run of \(iterations) iterations, got \(warmUp)"
      )
    }
    return iterations
  }

  func checkPlateau() throws {
    try demand(solver.hasGamma, "gamma")
    try demand(!solver.plateauWinsize.isEmpty, "plateau_winsize")
    for window in solver.plateauWinsize where window < 1 {
      throw CaffeError("plateau_winsize must be positive, got \(window)")
    }
  }

  /// `min_lr`, if it is set.
  func floor() throws -> Double? {
    guard solver.hasMinLr else { return nil }
    guard solver.minLr >= 0, solver.minLr <= solver.baseLr else {
      throw CaffeError(
        "min_lr must be between 0 and base_lr (\(Text.number(solver.baseLr))), got \(Text.number(solver.minLr))"
      )
    }
    return Double(solver.minLr)
  }

  private func demand(_ isThere: Bool, _ field: String) throws {
    guard isThere else {
      throw CaffeError("lr_policy \"\(solver.lrPolicy)\" needs \(field), which is not set")
    }
  }
}
