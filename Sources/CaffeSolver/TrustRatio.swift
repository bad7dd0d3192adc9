import CaffeErrors
import CaffeSchema

/// LARS: the share of the learning rate that each parameter blob takes, so that its step is in
/// proportion to its own size.
///
/// λ = η · ‖w‖ / (‖g‖ + β · ‖w‖), with g the gradient before decay and β the blob's weight decay. The
/// blob's rate is λ times what it would be, or, clipped, at most λ. It is what it would be while
/// either norm is 0.
///
/// Source: You, Gitman, Ginsburg, "Large Batch Training of Convolutional Networks", 2017; the field
/// names are those of intel/caffe (`local_lr_auto`) and NVIDIA/caffe (`larc`).
struct TrustRatio {
  /// η
  let coefficient: Float
  /// λ bounds the rate instead of scaling it.
  let clips: Bool

  /// - Returns: `nil` if the solver does not ask for it.
  /// - Throws: a coefficient that is not positive, an unknown policy, or both forks' fields at once.
  init?(_ solver: SolverParameter) throws {
    guard !(solver.localLrAuto && solver.larc) else {
      throw CaffeError("local_lr_auto and larc mean the same; set only one of them")
    }
    if solver.larc {
      guard ["scale", "clip"].contains(solver.larcPolicy) else {
        throw CaffeError("Unknown larc_policy: \(solver.larcPolicy) (known: scale, clip)")
      }
      coefficient = solver.larcEta
      clips = solver.larcPolicy == "clip"
    } else {
      guard solver.localLrAuto || solver.type == "LARS" else { return nil }
      coefficient = solver.localGwRatio
      clips = false
    }
    guard coefficient > 0 else {
      let field = solver.larc ? "larc_eta" : "local_gw_ratio"
      throw CaffeError("\(field) must be positive, got \(Text.number(coefficient))")
    }
  }

  /// What to multiply a blob's `rate` by.
  ///
  /// - Parameters:
  ///   - weights: ‖w‖.
  ///   - gradient: ‖g‖, scaled as the update scales it.
  ///   - decay: β.
  func factor(weights: Double, gradient: Double, decay: Float, rate: Float) -> Float {
    guard weights > 0, gradient > 0 else { return 1 }
    let trust = Double(coefficient) * weights / (gradient + Double(decay) * weights)
    guard clips else { return Float(trust) }
    return rate > 0 ? Float(min(1, trust / Double(rate))) : 1
  }
}
