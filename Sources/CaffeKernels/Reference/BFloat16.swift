import CaffeKernelsC

/// Values of 16 bits: the upper half of a float32, as `UInt16`.
package enum BFloat16 {
  /// To nearest and ties to even. No overlap.
  package static func round(
    _ values: UnsafeRawPointer, count: Int, into rounded: UnsafeMutableRawPointer
  ) {
    ck_round_bfloat16(
      values.assumingMemoryBound(to: Float.self), count,
      rounded.assumingMemoryBound(to: UInt16.self))
  }

  /// The float32 values that are equal to these. No overlap.
  package static func widen(
    _ rounded: UnsafeRawPointer, count: Int, into values: UnsafeMutableRawPointer
  ) {
    ck_widen_bfloat16(
      rounded.assumingMemoryBound(to: UInt16.self), count,
      values.assumingMemoryBound(to: Float.self))
  }
}
