/// In which numbers convolutions, inner products and recurrent layers multiply. Weights, sums and everything
/// that can be seen are float32 in either case; blobs that nobody can look at may be of either.
public enum Precision: String, Sendable, CaseIterable {
  case float32 = "FLOAT32"
  /// bfloat16, a float32 without its last 16 bits: operands are rounded to it, to nearest and ties to
  /// even, as they are multiplied.
  case bfloat16 = "BF16"
}
