import CaffeKernelsC

// The losses that are not a softmax's. Labels have passed `Labels.firstInvalid`; a Euclidean or
// contrastive loss needs only `Vector` and `RowKernel`.

/// The cross entropy of sigmoids and targets of 0...1, element by element.
package enum SigmoidCrossEntropyKernel {
  /// Σ −t·ln σ(x) − (1 − t)·ln(1 − σ(x)), without overflow, and how many elements counted.
  ///
  /// - Parameter ignored: targets whose whole part is this number do not count.
  package static func forward(
    _ input: UnsafePointer<Float>, target: UnsafePointer<Float>, count: Int,
    ignoring ignored: Int? = nil
  ) -> (loss: Double, count: Int) {
    // NaN differs from every number: nothing is ignored.
    let number = ignored.map(Float.init) ?? .nan
    let loss = ck_reduce(CK_SIGMOID_LOSS, input, target, number, count)
    guard ignored != nil else { return (loss, count) }
    return (loss, Int(ck_reduce(CK_DIFFERENT, target, nil, number, count)))
  }

  /// inputGradient ← factor · (σ(x) − t), 0 where ignored.
  package static func backward(
    _ input: UnsafePointer<Float>, target: UnsafePointer<Float>, factor: Float, count: Int,
    ignoring ignored: Int? = nil, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    let number = ignored.map(Float.init) ?? .nan
    ck_map(
      CK_SIGMOID_LOSS_BACKWARD, input, target, nil, factor, number, 0, 0, count, inputGradient)
  }
}

/// One-against-all hinge loss over `[rows, classes]`.
package enum HingeKernel {
  package enum Norm: Hashable, Sendable { case l1, l2 }

  /// Fills `margins` with max(0, 1 ∓ x), minus at the row's label, and returns the sum of the
  /// margins or of their squares.
  package static func forward(
    _ input: UnsafePointer<Float>, labels: UnsafePointer<Float>, rows: Int, classes: Int,
    norm: Norm, margins: UnsafeMutablePointer<Float>
  ) -> Double {
    ck_hinge_margins(input, labels, rows, classes, margins)
    let count = rows * classes
    return norm == .l1
      ? Vector.sum(margins, count: count) : Vector.squaredSum(margins, count: count)
  }

  /// inputGradient ← the gradient of factor · the loss; it may be `margins`.
  package static func backward(
    margins: UnsafePointer<Float>, labels: UnsafePointer<Float>, rows: Int, classes: Int,
    norm: Norm, factor: Float, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    let scale = norm == .l1 ? factor : 2 * factor
    ck_hinge_backward(margins, labels, rows, classes, norm == .l1 ? 1 : 0, scale, inputGradient)
  }
}

/// The logistic loss of probabilities given as they are; its forward pass is
/// `SoftmaxLossKernel.forward` with a floor of 1e−20.
package enum MultinomialKernel {
  /// inputGradient ← −factor / max(p, floor) at each row's label, 0 elsewhere.
  package static func backward(
    _ probability: UnsafePointer<Float>, labels: UnsafePointer<Float>, rows: Int, classes: Int,
    floor: Float, factor: Float, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_multinomial_backward(probability, labels, rows, classes, floor, factor, inputGradient)
  }
}

/// The logistic loss weighted by a matrix H `[channels, channels]`, its rows the labels.
package enum InfogainKernel {
  /// −Σ over positions of Σ_c H[label, c] · ln max(p[c], floor), and how many positions counted.
  package static func forward(
    _ probability: UnsafePointer<Float>, labels: UnsafePointer<Float>,
    infogain: UnsafePointer<Float>, _ extents: SoftmaxExtents, floor: Float,
    ignoring ignored: Int? = nil
  ) -> (loss: Double, count: Int) {
    var count = 0
    let loss = ck_infogain_loss(
      probability, labels, infogain, extents.outer, extents.channels, extents.inner, floor,
      ignored == nil ? 0 : 1, ignored ?? 0, &count)
    return (loss, count)
  }

  /// The gradient for the softmax's *input*: factor · (p[c] · Σ H[label] − H[label, c]).
  package static func backward(
    _ probability: UnsafePointer<Float>, labels: UnsafePointer<Float>,
    infogain: UnsafePointer<Float>, _ extents: SoftmaxExtents, factor: Float,
    ignoring ignored: Int? = nil, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_infogain_backward(
      probability, labels, infogain, extents.outer, extents.channels, extents.inner, factor,
      ignored == nil ? 0 : 1, ignored ?? 0, inputGradient)
  }
}
