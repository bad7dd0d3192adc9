/// Where a parameter's gradient goes.
package struct GradientTarget {
  package let values: UnsafeMutablePointer<Float>
  /// What is there counts as zeros: the gradient replaces it, which saves a pass over memory. Otherwise it
  /// is added, as Caffe adds those of an `iter_size` and of layers that share a parameter.
  package let isFresh: Bool

  package init(_ values: UnsafeMutablePointer<Float>, isFresh: Bool = false) {
    self.values = values
    self.isFresh = isFresh
  }

  /// What a matrix product multiplies the present values by.
  package var beta: Float { isFresh ? 0 : 1 }
}
