import CaffeKernels

/// Seeded numbers in -1..<1 (SplitMix64), so that a failure can be repeated.
struct Numbers {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> Float {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return Float((bits ^ (bits >> 31)) >> 40) / Float(1 << 23) - 1
  }

  mutating func array(_ count: Int) -> [Float] { (0..<count).map { _ in next() } }

  /// Each value once, in a random order and spaced apart: no ties, no kinks.
  mutating func spaced(_ count: Int) -> [Float] {
    let keys = array(count)
    let order = keys.indices.sorted { keys[$0] < keys[$1] }
    return order.map { (Float($0) - Float(count) / 2 + 0.25) / 16 }
  }
}

extension [Int] {
  var product: Int { reduce(1, *) }
}

/// The largest difference, relative to `scale`; infinite for NaN or unequal lengths.
func worstDifference(_ found: [Float], _ expected: [Double], scale: Double = 1) -> Double {
  guard found.count == expected.count else { return .infinity }
  var worst = 0.0
  for (found, expected) in zip(found, expected) {
    let error = abs(Double(found) - expected) / scale
    if !(error <= worst) { worst = error.isNaN ? .infinity : error }
  }
  return worst
}

/// A tensor's values in a layout: what a layer would hand to a kernel.
///
/// Never freed: an object could die before the kernel that was given its pointer runs.
struct PackedTensor {
  let layout: OneDNNMemoryLayout
  let pointer: UnsafeMutableRawPointer

  /// Filled with NaN, so that a value nobody wrote is seen.
  init(_ layout: OneDNNMemoryLayout) {
    self.layout = layout
    pointer = .allocate(byteCount: max(layout.byteCount, 4), alignment: 64)
    pointer.initializeMemory(as: Float.self, repeating: .nan, count: layout.byteCount / 4)
  }

  /// - Parameter rounded: whether the values become bfloat16.
  init(_ exact: OneDNNMemoryLayout, _ plain: [Float], rounded: Bool = false) {
    self.init(rounded ? exact.rounded : exact)
    layout.pack(plain, into: pointer)
  }

  var operand: Operand { Operand(pointer, isRounded: layout.isRounded) }

  var floats: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }

  func values(_ count: Int) -> [Float] {
    var plain = [Float](repeating: .nan, count: count)
    layout.unpack(pointer, into: &plain)
    return plain
  }
}

/// Two arrays as gradients to be added to.
func withSums(
  _ weights: inout [Float], _ bias: inout [Float], areZero: Bool = false,
  _ body: (_ weights: GradientSum?, _ bias: GradientSum?) -> Void
) {
  weights.withUnsafeMutableBufferPointer { weights in
    bias.withUnsafeMutableBufferPointer { bias in
      body(
        weights.baseAddress.map { GradientSum($0, isZero: areZero) },
        bias.baseAddress.map { GradientSum($0, isZero: areZero) })
    }
  }
}

extension WeightedForward {
  func run(
    _ values: Operand, weights: [Float], revision: Int? = nil,
    bias: UnsafePointer<Float>?, into output: UnsafeMutableRawPointer
  ) {
    weights.withUnsafeBufferPointer { weights in
      guard let plain = weights.baseAddress else { return }
      run(values, weights: plain, revision: revision, bias: bias, into: output)
    }
  }
}
