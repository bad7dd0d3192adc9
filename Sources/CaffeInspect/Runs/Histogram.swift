/// Counts of values in buckets of one width from the least to the largest; what is no number is left
/// out.
package struct Histogram: Sendable {
  private static let bucketCount = 30

  /// The upper end of each bucket.
  package let limits: [Double]
  package private(set) var counts: [Double]
  /// The least and the largest value; 0 if there is none.
  let low: Double
  let high: Double
  private(set) var count = 0.0
  private(set) var sum = 0.0
  private(set) var sumOfSquares = 0.0

  package init(_ values: [Float]) {
    var ends: (low: Float, high: Float)?
    for value in values where value.isFinite {
      ends = (min(ends?.low ?? value, value), max(ends?.high ?? value, value))
    }
    let low = Double(ends?.low ?? 0)
    let high = Double(ends?.high ?? 0)
    (self.low, self.high) = (low, high)
    guard ends != nil else {
      (limits, counts) = ([0], [0])
      return
    }
    let width = high > low ? (high - low) / Double(Self.bucketCount) : 1
    let buckets = high > low ? Self.bucketCount : 1
    limits = (1...buckets).map { $0 == buckets && high > low ? high : low + Double($0) * width }
    counts = Array(repeating: 0, count: buckets)
    for value in values where value.isFinite {
      let value = Double(value)
      counts[min(buckets - 1, Int((value - low) / width))] += 1
      count += 1
      sum += value
      sumOfSquares += value * value
    }
  }
}
