import CaffeErrors
import CaffeSchema
import Glibc

/// The first iterations of a run, in which the learning rate rises to base_lr: at iteration i of n it
/// is start + (base_lr − start) · (i / n)^power.
///
/// Linear by the names of intel/caffe (`warmup_iter`, `warmup_start_lr`), quadratic by those of
/// NVIDIA/caffe (`rampup_interval`, `rampup_lr`).
struct WarmUp: Sendable {
  let iterations: Int
  private let start: Double
  private let power: Double

  /// - Returns: `nil` if the solver has no warm-up.
  /// - Throws: both kinds at once, a rate without a length, or a negative value.
  init?(_ solver: SolverParameter) throws {
    guard !(solver.warmupIter != 0 && solver.rampupInterval != 0) else {
      throw CaffeError(
        "warmup_iter and rampup_interval both ask for a warm-up; set only one of them")
    }
    try WarmUp.check(
      solver.warmupIter, "warmup_iter", solver.hasWarmupStartLr, solver.warmupStartLr,
      "warmup_start_lr")
    try WarmUp.check(
      solver.rampupInterval, "rampup_interval", solver.hasRampupLr, solver.rampupLr, "rampup_lr")
    let isLinear = solver.warmupIter > 0
    iterations = isLinear ? solver.warmupIter : solver.rampupInterval
    start = Double(isLinear ? solver.warmupStartLr : solver.rampupLr)
    power = isLinear ? 1 : 2
    if iterations == 0 { return nil }
  }

  func rate(at iteration: Int, to base: Double) -> Double {
    start + (base - start) * pow(Double(iteration) / Double(iterations), power)
  }

  private static func check(
    _ iterations: Int, _ length: String, _ isRateSet: Bool, _ rate: Float, _ rateField: String
  ) throws {
    guard iterations >= 0 else {
      throw CaffeError("\(length) must not be negative, got \(iterations)")
    }
    guard rate >= 0 else {
      throw CaffeError("\(rateField) must not be negative, got \(Text.number(rate))")
    }
    guard iterations > 0 || !isRateSet else {
      throw CaffeError("\(rateField) needs \(length), which is not set")
    }
  }
}
