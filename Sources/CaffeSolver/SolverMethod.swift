import CaffeErrors
import CaffeKernels
import CaffeSchema

/// A solver `type` with its coefficients.
struct SolverMethod {
  private let solver: SolverParameter
  private static let names = [
    "AdaDelta", "AdaGrad", "Adam", "AdamW", "LARS", "Nesterov", "RMSProp", "SGD",
  ]

  /// - Throws: an unknown type, or a field that it excludes.
  init(_ solver: SolverParameter) throws {
    self.solver = solver
    guard SolverMethod.names.contains(solver.type) else {
      let hint =
        NearestName.of(solver.type, among: SolverMethod.names).map { "; did you mean \"\($0)\"?" }
        ?? ""
      throw CaffeError(
        "Unknown solver type: \(solver.type) (known types: \(SolverMethod.names.joined(separator: ", ")))\(hint)"
      )
    }
    if ["AdaGrad", "RMSProp"].contains(solver.type) && solver.momentum != 0 {
      throw CaffeError("Momentum cannot be used with \(solver.type).")
    }
    if solver.type == "RMSProp" && !(0..<1).contains(solver.rmsDecay) {
      throw CaffeError(
        "rms_decay should lie between 0 and 1, got \(Text.number(solver.rmsDecay))")
    }
    try checkMeans()
  }

  /// Adam and AdamW divide by 1 − momentum: Caffe would make every weight infinite.
  private func checkMeans() throws {
    guard ["Adam", "AdamW"].contains(solver.type) else { return }
    for (value, field) in [(solver.momentum, "momentum"), (solver.momentum2, "momentum2")] {
      guard (0..<1).contains(value) else {
        throw CaffeError(
          "\(field) must be in 0..<1 with type \"\(solver.type)\", got \(Text.number(value))")
      }
    }
  }

  var historyCount: Int { rule(iteration: 0).historyCount }

  func rule(iteration: Int) -> UpdateKernel.Rule {
    let (momentum, momentum2, delta) = (solver.momentum, solver.momentum2, solver.delta)
    let step = iteration + 1
    return switch solver.type {
    case "Nesterov": .nesterov(momentum: momentum)
    case "AdaGrad": .adaGrad(delta: delta)
    case "RMSProp": .rmsProp(decay: solver.rmsDecay, delta: delta)
    case "AdaDelta": .adaDelta(momentum: momentum, delta: delta)
    case "Adam": .adam(momentum: momentum, momentum2: momentum2, delta: delta, step: step)
    case "AdamW": .adamW(momentum: momentum, momentum2: momentum2, delta: delta, step: step)
    default: .sgd(momentum: momentum)
    }
  }
}
