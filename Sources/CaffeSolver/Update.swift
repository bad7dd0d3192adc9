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
  private let trustRatio: TrustRatio?
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
    trustRatio = try TrustRatio(solver)
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
    if clip >= 0 {
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
    let keepsStep = keepsStep || keepingStep
    kernel.apply(
      to: store.data.update(), gradient: store.gradient.update(),
      history: store.history.map { $0.update() },
      segments: trusted(rate: rate, gradientScale: kernel.gradientScale),
      keepsStep: keepsStep)
    if !keepsStep { store.noteClearGradients() }
    return note
  }

  /// The segments, each with its share of the learning rate.
  private func trusted(rate: Float, gradientScale: Float) -> [UpdateKernel.Segment] {
    guard let trustRatio else { return segments }
    let (weights, gradient) = (store.data.read(), store.gradient.read())
    return segments.map { segment in
      func norm(_ values: UnsafePointer<Float>) -> Double {
        Vector.squaredSum(values + segment.offset, count: segment.count).squareRoot()
      }
      let factor = trustRatio.factor(
        weights: norm(weights), gradient: norm(gradient) * Double(gradientScale),
        decay: weightDecay * segment.decay, rate: rate * segment.rate)
      return UpdateKernel.Segment(
        offset: segment.offset, count: segment.count, rate: segment.rate * factor,
        decay: segment.decay)
    }
  }
}
