import CaffeKernelsC
import Glibc

/// One step of a solver on a contiguous parameter store.
///
/// g = gradientScale · gradient + decay; each rule makes a step of it and of the histories, and
/// w ← w − step. Source: BVLC Caffe, `sgd_solver.cpp` and its siblings.
package struct UpdateKernel: Hashable, Sendable {
  package enum Rule: Hashable, Sendable {
    /// h ← momentum·h + rate·g; step h
    case sgd(momentum: Float)
    /// h′ ← momentum·h + rate·g; step (1 + momentum)·h′ − momentum·h
    case nesterov(momentum: Float)
    /// h ← h + g²; step rate·g / (√h + delta)
    case adaGrad(delta: Float)
    /// h ← decay·h + (1 − decay)·g²; step rate·g / (√h + delta)
    case rmsProp(decay: Float, delta: Float)
    /// h ← momentum·h + (1 − momentum)·g²; u = g·√((h₂ + delta) / (h + delta));
    /// h₂ ← momentum·h₂ + (1 − momentum)·u²; step rate·u
    case adaDelta(momentum: Float, delta: Float)
    /// h ← momentum·h + (1 − momentum)·g; h₂ ← momentum2·h₂ + (1 − momentum2)·g²;
    /// step rate · √(1 − momentum2ᵗ) / (1 − momentumᵗ) · h / (√h₂ + delta).
    /// - Parameter step: t, 1 for the first update.
    case adam(momentum: Float, momentum2: Float, delta: Float, step: Int)
    /// h and h₂ as Adam's, but of the gradient without decay;
    /// step rate · (h / (1 − momentumᵗ) / (√(h₂ / (1 − momentum2ᵗ)) + delta) + decay): PyTorch's AdamW.
    /// - Parameter step: t, 1 for the first update.
    case adamW(momentum: Float, momentum2: Float, delta: Float, step: Int)

    /// Buffers of history the rule needs, each as large as the store.
    package var historyCount: Int {
      switch self {
      case .sgd, .nesterov, .adaGrad, .rmsProp: 1
      case .adaDelta, .adam, .adamW: 2
      }
    }
  }

  package enum Regularization: Hashable, Sendable { case l2, l1 }

  /// A run of the store with multipliers of its own (`lr_mult`, `decay_mult`).
  package struct Segment: Sendable {
    /// The only field, so that a list of segments is one for the C loops.
    private let raw: ck_segment

    package var offset: Int { raw.offset }
    package var count: Int { raw.count }
    package var rate: Float { raw.rate }
    package var decay: Float { raw.decay }

    package init(offset: Int, count: Int, rate: Float, decay: Float) {
      raw = ck_segment(offset: offset, count: count, rate: rate, decay: decay)
    }
  }

  package var rule: Rule
  /// The learning rate, before a segment's multiplier.
  package var rate: Float
  /// `weight_decay`, before a segment's multiplier.
  package var weightDecay: Float
  package var regularization: Regularization
  /// What the raw gradient is multiplied by: the clipping factor over `iter_size`.
  package var gradientScale: Float

  package init(
    rule: Rule, rate: Float, weightDecay: Float = 0, regularization: Regularization = .l2,
    gradientScale: Float = 1
  ) {
    self.rule = rule
    self.rate = rate
    self.weightDecay = weightDecay
    self.regularization = regularization
    self.gradientScale = gradientScale
  }

  /// Updates weights and histories in one parallel pass, and clears the gradient.
  ///
  /// - Parameters:
  ///   - segments: ascending and apart; what lies between them stays as it is.
  ///   - history: `rule.historyCount` buffers.
  ///   - keepsStep: leave the step in the gradient's buffer instead of zeros (`debug_info`).
  package func apply(
    to weights: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>,
    history: [UnsafeMutablePointer<Float>], segments: [Segment], keepsStep: Bool = false
  ) {
    precondition(history.count == rule.historyCount, "\(rule.historyCount) buffers of history")
    var update = constants
    update.keep_step = keepsStep ? 1 : 0
    segments.withUnsafeBufferPointer { segments in
      segments.withMemoryRebound(to: ck_segment.self) { list in
        ck_update_parameters(
          &update, list.baseAddress, list.count, weights, gradient, history[0],
          history.count > 1 ? history[1] : nil)
      }
    }
  }

  private var constants: ck_update {
    var update = ck_update()
    update.rate = rate
    update.gradient_scale = gradientScale
    update.l2 = regularization == .l2 ? weightDecay : 0
    update.l1 = regularization == .l1 ? weightDecay : 0
    switch rule {
    case .sgd(let momentum):
      update.method = CK_SGD
      update.momentum = momentum
    case .nesterov(let momentum):
      update.method = CK_NESTEROV
      update.momentum = momentum
    case .adaGrad(let delta):
      update.method = CK_ADAGRAD
      update.delta = delta
    case .rmsProp(let decay, let delta):
      update.method = CK_RMSPROP
      (update.momentum2, update.delta) = (decay, delta)
    case .adaDelta(let momentum, let delta):
      update.method = CK_ADADELTA
      (update.momentum, update.delta) = (momentum, delta)
    case .adam(let momentum, let momentum2, let delta, let step):
      update.method = CK_ADAM
      (update.momentum, update.momentum2, update.delta) = (momentum, momentum2, delta)
      let bias = UpdateKernel.bias(momentum, momentum2, step: step)
      update.correction = Float(bias.second.squareRoot() / bias.first)
    case .adamW(let momentum, let momentum2, let delta, let step):
      update.method = CK_ADAMW
      (update.momentum, update.momentum2, update.delta) = (momentum, momentum2, delta)
      let bias = UpdateKernel.bias(momentum, momentum2, step: step)
      update.correction = Float(1 / bias.first)
      update.correction2 = Float(1 / bias.second.squareRoot())
    }
    return update
  }

  /// The shares of their limits that moving means have reached after `step` values: 1 − momentumᵗ.
  private static func bias(
    _ momentum: Float, _ momentum2: Float, step: Int
  ) -> (first: Double, second: Double) {
    (1 - pow(Double(momentum), Double(step)), 1 - pow(Double(momentum2), Double(step)))
  }
}
