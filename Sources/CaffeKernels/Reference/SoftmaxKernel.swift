import CaffeKernelsC

/// Values along a softmax: `[outer, channels, inner]`, normalised over the channels.
package struct SoftmaxExtents: Hashable, Sendable {
  package let outer: Int
  package let channels: Int
  package let inner: Int

  package init(outer: Int, channels: Int, inner: Int) {
    self.outer = outer
    self.channels = channels
    self.inner = inner
  }

  /// Labels that go with them: one for each position of outer and inner.
  package var labelCount: Int { outer * inner }
  /// All values.
  package var count: Int { outer * channels * inner }
}

/// y = e^x / Σ e^x, after subtracting the largest x.
package enum SoftmaxKernel {
  /// `output` may be `input`.
  package static func forward(
    _ input: UnsafePointer<Float>, _ extents: SoftmaxExtents,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_softmax(input, extents.outer, extents.channels, extents.inner, output)
  }

  /// inputGradient ← (gradient − Σ gradient · output) · output; it may be `gradient`.
  package static func backward(
    _ gradient: UnsafePointer<Float>, output: UnsafePointer<Float>, _ extents: SoftmaxExtents,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_softmax_backward(
      gradient, output, extents.outer, extents.channels, extents.inner, inputGradient)
  }
}

/// Class labels: whole numbers stored as floats, `[outer, inner]`.
package enum Labels {
  /// The first label that is neither ignored nor a whole number of `0..<classes`, or nil.
  ///
  /// The other kernels that read labels rely on this check.
  package static func firstInvalid(
    _ labels: UnsafePointer<Float>, count: Int, classes: Int, ignoring ignored: Int? = nil
  ) -> (index: Int, value: Float)? {
    let index = ck_first_bad_label(labels, count, classes, ignored == nil ? 0 : 1, ignored ?? 0)
    return index < 0 ? nil : (index, labels[index])
  }
}

/// The multinomial logistic loss of a softmax.
package enum SoftmaxLossKernel {
  /// Σ −ln max(p, floor), p the probability of each label's class, and how many labels counted.
  ///
  /// - Parameter floor: 2^−126 (`FLT_MIN`) makes Caffe's SoftmaxWithLoss, where a hopeless label
  ///   costs 87.3365; 1e−20 makes MultinomialLogisticLoss.
  package static func forward(
    _ probability: UnsafePointer<Float>, labels: UnsafePointer<Float>, _ extents: SoftmaxExtents,
    ignoring ignored: Int? = nil, floor: Float = .leastNormalMagnitude
  ) -> (loss: Double, count: Int) {
    var count = 0
    let loss = ck_label_loss(
      probability, labels, extents.outer, extents.channels, extents.inner, floor,
      ignored == nil ? 0 : 1, ignored ?? 0, &count)
    return (loss, count)
  }

  /// inputGradient ← factor · (p − [class = label]), 0 where ignored; it may be `probability`.
  package static func backward(
    _ probability: UnsafePointer<Float>, labels: UnsafePointer<Float>, _ extents: SoftmaxExtents,
    factor: Float, ignoring ignored: Int? = nil, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_softmax_loss_backward(
      probability, labels, extents.outer, extents.channels, extents.inner, factor,
      ignored == nil ? 0 : 1, ignored ?? 0, inputGradient)
  }
}

/// Counts of labels among the best scores.
package enum AccuracyKernel {
  /// Labels that were right, in all and for each class.
  package struct Count: Equatable, Sendable {
    package var correct: Int
    package var total: Int
    package var correctPerClass: [Int]
    package var totalPerClass: [Int]

    package init(correct: Int, total: Int, correctPerClass: [Int], totalPerClass: [Int]) {
      self.correct = correct
      self.total = total
      self.correctPerClass = correctPerClass
      self.totalPerClass = totalPerClass
    }
  }

  /// A label is right when fewer than `top` other classes score as much or more.
  ///
  /// A label whose score is NaN is never right, and a NaN elsewhere counts as better: a network
  /// that has diverged must not score 100 %.
  package static func count(
    _ scores: UnsafePointer<Float>, labels: UnsafePointer<Float>, _ extents: SoftmaxExtents,
    top: Int, ignoring ignored: Int? = nil
  ) -> Count {
    var result = Count(
      correct: 0, total: 0, correctPerClass: Array(repeating: 0, count: extents.channels),
      totalPerClass: Array(repeating: 0, count: extents.channels))
    result.correct = ck_accuracy(
      scores, labels, extents.outer, extents.channels, extents.inner, top, ignored == nil ? 0 : 1,
      ignored ?? 0, &result.total, &result.correctPerClass, &result.totalPerClass)
    return result
  }
}
