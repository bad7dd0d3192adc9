import CaffeKernelsC

/// Random numbers that depend on a seed, a name, a pass and an index, and on nothing else: neither
/// the thread count nor what was drawn before (Philox4x32-10, see `ck_random.h`).
///
/// A layer owns one stream, named after it, and numbers its passes (the iteration, say); value `i`
/// of a pass is the same whenever it is asked for. Uniform, gaussian and integer values with the
/// same pass and index come from the same random words: give independent uses names of their own.
package struct RandomStream: Hashable, Sendable {
  /// Made of seed and name: a seed of its own for generators of another kind.
  package let key: UInt64

  package init(seed: UInt64, name: String) {
    key = Self.mixed(seed &+ Self.hash(name))
  }

  /// Values `first..<first + count` of a pass, uniform between low and high.
  package func uniform(
    into output: UnsafeMutablePointer<Float>, count: Int, from low: Float = 0, to high: Float = 1,
    pass: UInt64, first: Int = 0
  ) {
    ck_random_fill(key, pass, CK_UNIFORM, low, high, first, count, output)
  }

  /// Values `first..<first + count` of a pass, normally distributed.
  package func gaussian(
    into output: UnsafeMutablePointer<Float>, count: Int, mean: Float = 0, deviation: Float = 1,
    pass: UInt64, first: Int = 0
  ) {
    ck_random_fill(key, pass, CK_GAUSSIAN, mean, deviation, first, count, output)
  }

  /// 1 with the given probability, else 0.
  package func bernoulli(
    into output: UnsafeMutablePointer<Float>, count: Int, probability: Float, pass: UInt64
  ) {
    ck_random_fill(key, pass, CK_BERNOULLI, probability, 0, 0, count, output)
  }

  /// 1 with the given probability, else 0; the same values as `bernoulli`.
  package func mask(
    into output: UnsafeMutablePointer<UInt8>, count: Int, probability: Float, pass: UInt64
  ) {
    ck_random_mask(key, pass, probability, count, output)
  }

  /// A whole number of `0..<bound`, each as likely as the others.
  package func integer(below bound: Int, pass: UInt64, index: Int) -> Int {
    precondition(bound > 0, "a number below \(bound)")
    let bound = UInt64(bound)
    // Lemire: the high half of word · bound is unbiased once too small low halves are drawn again.
    let refused = (0 &- bound) % bound
    var attempt: UInt64 = 0
    while true {
      let product = bits(pass: pass, index: index, attempt: attempt).multipliedFullWidth(by: bound)
      if product.low >= refused { return Int(product.high) }
      attempt += 1
    }
  }

  /// The numbers `0..<count` in random order (Fisher and Yates).
  package func permutation(count: Int, pass: UInt64) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, integer(below: last + 1, pass: pass, index: last))
    }
    return order
  }

  /// 64 random bits. The attempt goes to the block number's upper bits, which no fill reaches.
  private func bits(pass: UInt64, index: Int, attempt: UInt64) -> UInt64 {
    let block = UInt64(index) | (attempt << 48)
    let words = Self.philox(
      counter: [
        UInt32(truncatingIfNeeded: block), UInt32(block >> 32),
        UInt32(truncatingIfNeeded: pass), UInt32(pass >> 32),
      ], key: [UInt32(truncatingIfNeeded: key), UInt32(key >> 32)])
    return UInt64(words[1]) << 32 | UInt64(words[0])
  }

  /// One Philox4x32-10 block: four words from a counter of four words and a key of two.
  package static func philox(counter: [UInt32], key: [UInt32]) -> [UInt32] {
    precondition(counter.count == 4 && key.count == 2, "four counter words, two key words")
    return [UInt32](unsafeUninitializedCapacity: 4) { buffer, count in
      if let base = buffer.baseAddress { ck_philox(counter, key, base) }
      count = 4
    }
  }

  /// FNV-1a over the name's UTF-8: the same in every process, unlike `hashValue`.
  private static func hash(_ name: String) -> UInt64 {
    name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// Spreads every bit over the whole word (Stafford's thirteenth variant, as in SplitMix64).
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// Dropout: each value is kept with probability 1 − ratio and then divided by it.
package enum DropoutKernel {
  /// Draws the mask, for a pass that no other mask of the stream has, and applies it.
  package static func forward(
    _ input: UnsafePointer<Float>, ratio: Float, stream: RandomStream, pass: UInt64, count: Int,
    mask: UnsafeMutablePointer<UInt8>, into output: UnsafeMutablePointer<Float>
  ) {
    stream.mask(into: mask, count: count, probability: 1 - ratio, pass: pass)
    ck_apply_mask(input, mask, 1 / (1 - ratio), count, output)
  }

  package static func backward(
    _ gradient: UnsafePointer<Float>, ratio: Float, mask: UnsafePointer<UInt8>, count: Int,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_apply_mask(gradient, mask, 1 / (1 - ratio), count, inputGradient)
  }
}
