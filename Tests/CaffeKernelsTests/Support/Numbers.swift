import Testing

/// A seeded generator (SplitMix64), so that every run tests the same numbers.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// `count` seeded values of a range.
func numbers(_ count: Int, in range: ClosedRange<Float> = -2...2, seed: UInt64 = 1) -> [Float] {
  var generator = SeededGenerator(seed: seed)
  return (0..<count).map { _ in Float.random(in: range, using: &generator) }
}

/// What `body` writes into a buffer of `count` values that starts as NaN, at an odd address, with
/// guards on either side.
func output(
  _ count: Int, initial: [Float]? = nil, _ body: (UnsafeMutablePointer<Float>) -> Void
) -> [Float] {
  let guardValue: Float = 12345.678
  var storage = [Float](repeating: guardValue, count: 1)
  storage += initial ?? Array(repeating: Float.nan, count: count)
  storage += Array(repeating: guardValue, count: 33)
  storage.withUnsafeMutableBufferPointer { buffer in
    if let base = buffer.baseAddress { body(base + 1) }
  }
  #expect(storage[0] == guardValue && storage[(count + 1)...].allSatisfy { $0 == guardValue })
  return Array(storage[1..<(count + 1)])
}

/// Expects equal lengths, and values within `tolerance` of max(1, |expected|) of each other. NaN
/// agrees with NaN alone, an infinity with the same infinity.
func expectClose(
  _ actual: [Float], _ expected: [Double], within tolerance: Double, _ what: Any = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual.count == expected.count, "\(what)", sourceLocation: sourceLocation)
  guard actual.count == expected.count else { return }
  var worst = 0.0
  var place = 0
  for index in actual.indices {
    let (a, e) = (Double(actual[index]), expected[index])
    if a == e || a.isNaN && e.isNaN { continue }
    let error = abs(a - e) / max(1, abs(e))
    if !(error <= worst) {
      worst = error.isNaN ? .infinity : error
      place = index
    }
  }
  #expect(
    worst <= tolerance,
    "\(what): element \(place) of \(actual.count): \(actual[place]), expected \(expected[place])",
    sourceLocation: sourceLocation)
}
