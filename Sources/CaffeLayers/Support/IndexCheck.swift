import CaffeErrors
import CaffeKernels

/// Checks on blobs that hold indices.
enum IndexCheck {
  /// - Parameter name: what the limit is, such as `input_dim`.
  /// - Throws: naming the first value that is not a whole number of `0..<limit`.
  static func range(
    _ indices: UnsafePointer<Float>, count: Int, limit: Int, called name: String
  ) throws {
    guard let invalid = Labels.firstInvalid(indices, count: count, classes: limit) else { return }
    throw CaffeError(
      "index \(Text.number(invalid.value)) at position \(invalid.index) is not in 0..<\(name) (0..<\(limit))"
    )
  }
}
