import CaffeErrors
import CaffeSchema
import Glibc

/// The learning rate as a function of the iteration, so there is nothing to save in a snapshot.
///
/// | `lr_policy` | rate at iteration i |
/// | --- | --- |
/// | `fixed` | base_lr |
/// | `step` | base_lr · gamma^⌊i / stepsize⌋ |
/// | `exp` | base_lr · gamma^i |
/// | `inv` | base_lr · (1 + gamma · i)^−power |
/// | `multistep` | base_lr · gamma^(number of stepvalues reached) |
/// | `poly` | base_lr · (1 − i / max_iter)^power |
/// | `sigmoid` | base_lr / (1 + e^(−gamma · (i − stepsize))) |
///
/// Source: BVLC Caffe, `SGDSolver::GetLearningRate`.
public struct LearningRate: Sendable {
  private enum Policy {
    case fixed
    case step(gamma: Double, size: Int)
    case exponential(gamma: Double)
    case inverse(gamma: Double, power: Double)
    case multistep(gamma: Double, advances: [Int])
    case polynomial(power: Double, iterations: Int)
    case sigmoid(gamma: Double, centre: Int)
  }

  private static let names = ["exp", "fixed", "inv", "multistep", "poly", "sigmoid", "step"]

  private let base: Double
  private let policy: Policy

  /// - Throws: an unknown policy, or a field that the policy needs and the solver does not have.
  public init(_ solver: SolverParameter) throws {
    base = Double(solver.baseLr)
    let fields = Fields(solver)
    switch solver.lrPolicy {
    case "fixed":
      policy = .fixed
    case "step":
      policy = .step(gamma: try fields.gamma(), size: try fields.stepsize())
    case "exp":
      policy = .exponential(gamma: try fields.gamma())
    case "inv":
      policy = .inverse(gamma: try fields.gamma(), power: try fields.power())
    case "multistep":
      policy = .multistep(
        gamma: try fields.gamma(), advances: LearningRate.advances(solver.stepvalue))
    case "poly":
      policy = .polynomial(power: try fields.power(), iterations: try fields.maxIterations())
    case "sigmoid":
      policy = .sigmoid(gamma: try fields.gamma(), centre: try fields.stepsize())
    default:
      let hint =
        NearestName.of(solver.lrPolicy, among: LearningRate.names).map {
          "; did you mean \"\($0)\"?"
        } ?? " (known: \(LearningRate.names.joined(separator: ", ")))"
      throw CaffeError("Unknown learning rate policy: \(solver.lrPolicy)\(hint)")
    }
  }

  public func rate(at iteration: Int) -> Float {
    let i = Double(iteration)
    return switch policy {
    case .fixed: Float(base)
    case .step(let gamma, let size): Float(base * pow(gamma, Double(iteration / size)))
    case .exponential(let gamma): Float(base * pow(gamma, i))
    case .inverse(let gamma, let power): Float(base * pow(1 + gamma * i, -power))
    case .multistep(let gamma, _): Float(base * pow(gamma, Double(step(at: iteration))))
    case .polynomial(let power, let iterations):
      Float(base * pow(max(0, 1 - i / Double(iterations)), power))
    case .sigmoid(let gamma, let centre): Float(base / (1 + exp(-gamma * (i - Double(centre)))))
    }
  }

  /// How many stepvalues a multistep policy has reached; 0 for any other.
  public func step(at iteration: Int) -> Int {
    guard case .multistep(_, let advances) = policy else { return 0 }
    return advances.prefix { $0 <= iteration }.count
  }

  /// The iterations at which the step goes up: by at most one per iteration, as in Caffe.
  private static func advances(_ stepvalues: [Int]) -> [Int] {
    stepvalues.reduce(into: []) { advances, value in
      advances.append(max(value, advances.last.map { $0 + 1 } ?? 0))
    }
  }

  /// The solver's fields, each demanded by name.
  private struct Fields {
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

    func maxIterations() throws -> Int {
      try demand(solver.maxIter > 0, "max_iter")
      return solver.maxIter
    }

    private func demand(_ isThere: Bool, _ field: String) throws {
      guard isThere else {
        throw CaffeError("lr_policy \"\(solver.lrPolicy)\" needs \(field), which is not set")
      }
    }
  }
}
