/// Counts of values in buckets of one width from the least to the largest; what is no number is left
/// out.
package struct Histogram: Sendable {
  private static let bucketCount = 30

  /// The upper end of each bucket.
  package let limits: [Double]
  package let counts: [Double]
  /// The finite values.
  let values: [Double]

  package init(_ values: [Float]) {
    let finite = values.filter(\.isFinite).map(Double.init)
    self.values = finite
    guard let low = finite.min(), let high = finite.max() else {
      (limits, counts) = ([0], [0])
      return
    }
    let width = high > low ? (high - low) / Double(Self.bucketCount) : 1
    let buckets = high > low ? Self.bucketCount : 1
    var counts = Array(repeating: 0.0, count: buckets)
    for value in finite { counts[min(buckets - 1, Int((value - low) / width))] += 1 }
    self.counts = counts
    limits = (1...buckets).map { $0 == buckets && high > low ? high : low + Double($0) * width }
  }
}
