/// Random numbers that are a pure function of a seed and counters: no state, so they depend neither
/// on threads nor on order, and resuming needs nothing but the counters.
///
/// Source: the finaliser of Steele, Lea and Flood's SplitMix64 (OOPSLA 2014), chained.
package struct CounterRandom: Sendable {
  private let key: UInt64

  package init(seed: UInt64) {
    key = Self.mix(seed)
  }

  /// The stream of this one's `counter`-th branch, such as a pass or an item.
  package func branch(_ counter: UInt64) -> CounterRandom {
    CounterRandom(key: Self.mix(key ^ Self.mix(counter)))
  }

  private init(key: UInt64) {
    self.key = key
  }

  /// The `index`-th number of this stream.
  package subscript(index: UInt64) -> UInt64 {
    Self.mix(key &+ (index &+ 1) &* 0x9E37_79B9_7F4A_7C15)
  }

  /// The `index`-th number of this stream, brought into `0..<bound`; the bias is below
  /// `bound / 2⁶⁴`.
  package func number(_ index: UInt64, below bound: Int) -> Int {
    precondition(bound > 0, "a number below \(bound)")
    return Int(self[index].multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// The `index`-th number of this stream, brought into the range.
  func number(_ index: UInt64, in range: ClosedRange<Float>) -> Float {
    let share = Float(self[index] >> 40) / Float(1 << 24)
    return range.lowerBound + (range.upperBound - range.lowerBound) * share
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var mixed = value &+ 0x9E37_79B9_7F4A_7C15
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// A random order of `0..<count` that is computed one element at a time, in no memory.
///
/// Six Feistel rounds permute the next larger square of a power of two; what falls outside of
/// `0..<count` is permuted again until it falls inside.
package struct Permutation: Sendable {
  package let count: Int
  private let random: CounterRandom
  private let halfBits: UInt64

  package init(count: Int, random: CounterRandom) {
    precondition(count > 0, "a permutation of \(count)")
    self.count = count
    self.random = random
    let bits = UInt64(Int.bitWidth - (count - 1).leadingZeroBitCount)
    halfBits = max(1, (bits + 1) / 2)
  }

  /// Which element comes at `position`.
  package subscript(position: Int) -> Int {
    precondition((0..<count).contains(position), "position \(position) of \(count)")
    var value = UInt64(position)
    repeat { value = shuffled(value) } while value >= UInt64(count)
    return Int(value)
  }

  private func shuffled(_ value: UInt64) -> UInt64 {
    let mask = (1 as UInt64) << halfBits - 1
    var left = value >> halfBits
    var right = value & mask
    for round in 0..<6 as Range<UInt64> {
      (left, right) = (right, left ^ (random.branch(round)[right] & mask))
    }
    return left << halfBits | right
  }
}

/// The order in which an epoch's records come, another one in each epoch.
struct EpochPermutation: Sendable {
  private let count: Int
  private let random: CounterRandom

  init(count: Int, seed: UInt64) {
    self.count = count
    random = CounterRandom(seed: seed)
  }

  /// The record at a position counted over all epochs.
  subscript(position: Int) -> Int {
    let (epoch, place) = position.quotientAndRemainder(dividingBy: count)
    return Permutation(count: count, random: random.branch(UInt64(epoch)))[place]
  }
}
