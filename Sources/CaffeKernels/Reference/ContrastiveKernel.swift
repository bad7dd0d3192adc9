import Glibc

/// The contrastive loss of pairs of vectors, `[pairs, extent]` each.
///
/// A pair is similar where its flag, without the fraction, is not 0, and then costs d², d the
/// distance. Any other costs a penalty up to a margin.
package struct ContrastiveKernel: Hashable, Sendable {
  package enum Penalty: Hashable, Sendable {
    /// max(margin − d, 0)²
    case distance
    /// max(margin − d², 0), as Caffe had it at first
    case squaredDistance
  }

  package let pairs: Int
  package let extent: Int
  package let margin: Float
  package let penalty: Penalty

  package init(pairs: Int, extent: Int, margin: Float, penalty: Penalty) {
    self.pairs = pairs
    self.extent = extent
    self.margin = margin
    self.penalty = penalty
  }

  /// The sum of what all pairs cost.
  ///
  /// - Parameter squared: receives d² of each pair.
  package func forward(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, similar: UnsafePointer<Float>,
    squared: UnsafeMutablePointer<Float>
  ) -> Double {
    RowKernel.squaredDistances(a, b, rows: pairs, extent: extent, into: squared)
    return (0..<pairs).reduce(0) { $0 + cost(squared[$1], isSimilar: similar[$1]) }
  }

  /// inputGradient ← factor · half the derivative of the sum by `a`; by `b` it is the opposite.
  package func backward(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, similar: UnsafePointer<Float>,
    squared: UnsafePointer<Float>, factor: Float, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, pairs)) { shares in
      guard let start = shares.baseAddress else { return }
      for pair in 0..<pairs { start[pair] = share(squared[pair], isSimilar: similar[pair]) }
      Vector.subtract(a, b, count: pairs * extent, into: inputGradient)
      ColumnKernel.scale(
        inputGradient, by: start, factor: factor, MatrixColumns(rows: pairs, width: extent),
        into: inputGradient)
    }
  }

  private func cost(_ squared: Float, isSimilar flag: Float) -> Double {
    let squared = Double(squared)
    if trunc(flag) != 0 { return squared }
    switch penalty {
    case .distance:
      let gap = Double(margin) - squared.squareRoot()
      return gap < 0 ? 0 : gap * gap
    case .squaredDistance:
      let gap = Double(margin) - squared
      return gap < 0 ? 0 : gap
    }
  }

  /// How much of a − b the gradient of a pair is.
  private func share(_ squared: Float, isSimilar flag: Float) -> Float {
    if trunc(flag) != 0 { return 1 }
    switch penalty {
    case .distance:
      let distance = squared.squareRoot()
      let gap = margin - distance
      // The small number, Caffe's, keeps equal vectors from a division by zero.
      return gap <= 0 ? 0 : -gap / (distance + 1e-4)
    case .squaredDistance:
      return margin - squared <= 0 ? 0 : -1
    }
  }
}
