import CaffeErrors
import CaffeSchema

/// The solver's fields that learning-rate policies need, each demanded by name.
struct LearningRateFields {
  let solver: SolverParameter

  init(_ solver: SolverParameter) { self.solver = solver }

  func gamma() throws -> Double {
    try demand(solver.hasGamma, "gamma")
    guard solver.gamma >= 0 else {
      throw CaffeError("gamma must not be negative, got \(solver.gamma)")
    }
    return Double(solver.gamma)
  }

  func power() throws -> Double {
    try demand(solver.hasPower, "power")
    return Double(solver.power)
  }

  func stepsize() throws -> Int {
    try demand(solver.hasStepsize, "stepsize")
    guard solver.stepsize > 0 else {
      throw CaffeError("stepsize must be positive, got \(solver.stepsize)")
    }
    return solver.stepsize
  }

  /// The length of the run, more than `warmUp`.
  ///
  /// - Parameter known: the length, if `max_iter` alone does not tell it. While nobody knows yet how
  ///   long an epoch is, any length will do.
  func iterations(known: Int?, after warmUp: Int = 0) throws -> Int {
    try demand(solver.maxIter > 0 || solver.maxEpoch > 0, "max_iter")
    let isOpen = known == nil && solver.maxEpoch > 0
    let iterations = known ?? (isOpen ? .max : solver.maxIter)
    guard iterations > warmUp else {
      throw CaffeError(
        "lr_policy \"\(solver.lrPolicy)\" needs a warm-up shorter than the run of \(iterations) iterations, got \(warmUp)"
      )
    }
    return iterations
  }

  func checkWindows() throws {
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
