import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeNet
import CaffeSchema

/// Turns the gradients of a net into a step of its parameters, by the solver's rule.
///
/// Clipping, normalisation by `iter_size`, decay, the rule and the clearing of gradients are one pass
/// over the parameter store.
///
/// Source: BVLC Caffe, `sgd_solver.cpp` and the files beside it.
final class Update {
  private let method: SolverMethod
  private let store: ParameterStore
  private let segments: [UpdateKernel.Segment]
  private let weightDecay: Float
  private let regularization: UpdateKernel.Regularization
  private let clip: Float
  private let iterSize: Int
  private let keepsStep: Bool

  /// - Throws: an unknown solver type, or a field that it excludes.
  init(_ solver: SolverParameter, net: Net) throws {
    method = try SolverMethod(solver)
    store = net.store
    segments = net.parameters.compactMap { parameter in
      parameter.segment.map {
        UpdateKernel.Segment(
          offset: $0.offset, count: $0.count, rate: parameter.learningRateMultiplier,
          decay: parameter.decayMultiplier)
      }
    }
    weightDecay = solver.weightDecay
    regularization = solver.regularizationType == "L1" ? .l1 : .l2
    clip = solver.clipGradients
    iterSize = solver.iterSize
    keepsStep = solver.snapshotDiff
    store.prepareHistory(method.historyCount)
  }

  var historyCount: Int { method.historyCount }

  /// Steps the parameters and clears the gradients, or leaves the step in them: for `snapshot_diff`, or
  /// if asked to.
  ///
  /// - Returns: a line for the log if the gradients were clipped.
  func apply(rate: Float, iteration: Int, keepingStep: Bool = false) -> String? {
    var scale: Float = 1
    var note: String?
    if clip > 0 {
      let norm = Float(
        Vector.squaredSum(store.gradient.read(), count: store.count).squareRoot())
      if norm > clip {
        scale = clip / norm
        note =
          "Gradient clipping: scaling down gradients (L2 norm \(Text.number(norm)) > \(Text.number(clip))) by scale factor \(Text.number(scale))"
      }
    }
    let kernel = UpdateKernel(
      rule: method.rule(iteration: iteration), rate: rate, weightDecay: weightDecay,
      regularization: regularization, gradientScale: scale / Float(iterSize))
    kernel.apply(
      to: store.data.update(), gradient: store.gradient.update(),
      history: store.history.map { $0.update() }, segments: segments,
      keepsStep: keepsStep || keepingStep)
    return note
  }
}

/// A solver `type` with its coefficients.
struct SolverMethod {
  private let solver: SolverParameter
  private static let names = ["AdaDelta", "AdaGrad", "Adam", "Nesterov", "RMSProp", "SGD"]

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
  }

  var historyCount: Int { rule(iteration: 0).historyCount }

  func rule(iteration: Int) -> UpdateKernel.Rule {
    let (momentum, delta) = (solver.momentum, solver.delta)
    return switch solver.type {
    case "Nesterov": .nesterov(momentum: momentum)
    case "AdaGrad": .adaGrad(delta: delta)
    case "RMSProp": .rmsProp(decay: solver.rmsDecay, delta: delta)
    case "AdaDelta": .adaDelta(momentum: momentum, delta: delta)
    case "Adam":
      .adam(
        momentum: momentum, momentum2: solver.momentum2, delta: delta, step: iteration + 1)
    default: .sgd(momentum: momentum)
    }
  }
}
