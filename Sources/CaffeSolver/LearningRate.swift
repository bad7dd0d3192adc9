import CaffeErrors
import CaffeSchema
import Glibc

/// The learning rate as a function of the iteration i, so there is nothing to save in a snapshot; only
/// `plateau` depends on the losses too, by the number of steps they have brought about.
///
/// | `lr_policy` | rate at iteration i |
/// | --- | --- |
/// | `fixed` | base_lr |
/// | `step` | base_lr · gamma^⌊i / stepsize⌋ |
/// | `exp` | base_lr · gamma^i |
/// | `inv` | base_lr · (1 + gamma · i)^−power |
/// | `multistep` | base_lr · gamma^(number of stepvalues reached) |
/// | `poly` | min_lr + (base_lr − min_lr) · (1 − i / n)^power |
/// | `sigmoid` | base_lr / (1 + e^(−gamma · (i − stepsize))) |
/// | `cosine` | min_lr + (base_lr − min_lr) · (1 + cos(π · (i − w) / (n − w))) / 2 |
/// | `plateau` | base_lr · gamma^(number of steps) |
///
/// n is the run's number of iterations and w that of the warm-up, which precedes any policy; after it
/// the rate never falls below `min_lr`.
///
/// Source: BVLC Caffe, `SGDSolver::GetLearningRate`; `docs/solvers.md` names the forks.
public struct LearningRate: Sendable {
  private enum Policy {
    case fixed
    case step(gamma: Double, size: Int)
    case exponential(gamma: Double)
    case inverse(gamma: Double, power: Double)
    case multistep(gamma: Double, advances: [Int])
    case polynomial(power: Double, iterations: Int)
    case sigmoid(gamma: Double, centre: Int)
    case cosine(from: Int, to: Int)
    case plateau(gamma: Double)
  }

  private static let names = [
    "cosine", "exp", "fixed", "inv", "multistep", "plateau", "poly", "sigmoid", "step",
  ]

  private let base: Double
  private let floor: Double?
  private let policy: Policy
  let warmUp: WarmUp?

  /// - Parameter iterations: how long the run is, if not `max_iter`.
  /// - Throws: an unknown policy, or a field that the policy needs and the solver does not have.
  public init(_ solver: SolverParameter, iterations: Int? = nil) throws {
    let fields = LearningRateFields(solver)
    base = Double(solver.baseLr)
    floor = try fields.floor()
    warmUp = try WarmUp(solver)
    policy = try LearningRate.policy(
      fields, iterations: iterations, warmUp: warmUp?.iterations ?? 0)
  }

  private static func policy(
    _ fields: LearningRateFields, iterations: Int?, warmUp: Int
  ) throws -> Policy {
    let name = fields.solver.lrPolicy
    guard !name.isEmpty else {
      throw CaffeError("lr_policy is not set (known: \(names.joined(separator: ", ")))")
    }
    switch name {
    case "fixed": return .fixed
    case "step": return .step(gamma: try fields.gamma(), size: try fields.stepsize())
    case "exp": return .exponential(gamma: try fields.gamma())
    case "inv": return .inverse(gamma: try fields.gamma(), power: fields.power)
    case "multistep":
      return .multistep(gamma: try fields.gamma(), advances: advances(fields.solver.stepvalue))
    case "poly":
      return .polynomial(
        power: fields.power, iterations: try fields.iterations(known: iterations))
    case "sigmoid": return .sigmoid(gamma: try fields.gamma(), centre: try fields.stepsize())
    case "cosine":
      return .cosine(
        from: warmUp, to: try fields.iterations(known: iterations, after: warmUp))
    case "plateau":
      try fields.checkPlateau()
      return .plateau(gamma: try fields.gamma())
    default:
      let hint =
        NearestName.of(name, among: names).map { "; did you mean \"\($0)\"?" }
        ?? " (known: \(names.joined(separator: ", ")))"
      throw CaffeError("Unknown learning rate policy: \(name)\(hint)")
    }
  }

  /// - Parameter plateauSteps: how often the losses have made `plateau` lower the rate.
  public func rate(at iteration: Int, plateauSteps: Int = 0) -> Float {
    if let warmUp, iteration < warmUp.iterations {
      return Float(warmUp.rate(at: iteration, to: base))
    }
    let rate = scheduled(at: iteration, plateauSteps: plateauSteps)
    return Float(floor.map { max($0, rate) } ?? rate)
  }

  private func scheduled(at iteration: Int, plateauSteps: Int) -> Double {
    let i = Double(iteration)
    let (end, range) = (floor ?? 0, base - (floor ?? 0))
    return switch policy {
    case .fixed: base
    case .step(let gamma, let size): base * pow(gamma, Double(iteration / size))
    case .exponential(let gamma): base * pow(gamma, i)
    case .inverse(let gamma, let power): base * pow(1 + gamma * i, -power)
    case .multistep(let gamma, _): base * pow(gamma, Double(step(at: iteration)))
    case .polynomial(let power, let iterations):
      end + range * pow(max(0, 1 - i / Double(iterations)), power)
    case .sigmoid(let gamma, let centre): base / (1 + exp(-gamma * (i - Double(centre))))
    case .cosine(let first, let last):
      end + range * (1 + cos(.pi * min(1, Double(iteration - first) / Double(last - first)))) / 2
    case .plateau(let gamma): base * pow(gamma, Double(plateauSteps))
    }
  }

  /// How many steps `step` or `multistep` have taken, which Caffe calls `current_step`; 0 for other policies.
  public func step(at iteration: Int) -> Int {
    switch policy {
    case .step(_, let size): iteration / size
    case .multistep(_, let advances): advances.prefix { $0 <= iteration }.count
    default: 0
    }
  }

  /// The iterations at which the step goes up: by at most one per iteration, as in Caffe.
  private static func advances(_ stepvalues: [Int]) -> [Int] {
    stepvalues.reduce(into: []) { advances, value in
      advances.append(max(value, advances.last.map { $0 + 1 } ?? 0))
    }
  }
}
