import CaffeErrors
import CaffeKernelsC

/// Pooling, the CAFFE engine's: maximum, average and stochastic, over one to three spatial axes.
///
/// Shapes as in `PoolingGeometry`. A mask holds, for every output, the index of the chosen cell
/// within its input plane.
package struct ReferencePooling: Sendable {
  package let geometry: PoolingGeometry
  /// Input and output extents of three axes; leading ones are 1 where there are fewer.
  private let input: [Int]
  private let output: [Int]
  /// The windows of the three axes, one axis after the other.
  private let windows: [ck_window]

  /// - Throws: when there are no or more than three spatial axes.
  package init(_ geometry: PoolingGeometry) throws {
    guard (1...3).contains(geometry.input.count) else {
      throw CaffeError(
        "pooling works on 1 to 3 spatial axes, the bottom has \(geometry.input.count)")
    }
    self.geometry = geometry
    let missing = 3 - geometry.input.count
    input = Array(repeating: 1, count: missing) + geometry.input
    output = Array(repeating: 1, count: missing) + geometry.output
    windows = geometry.windowsOfThreeAxes()
  }

  /// The largest value of each window; the first cell wins a tie, and a NaN loses to any number.
  package func maximum(
    _ input: UnsafePointer<Float>, mask: UnsafeMutablePointer<Int32>,
    into output: UnsafeMutablePointer<Float>
  ) {
    withPooling { pooling in
      withWorkspace(pooling) { ck_pool_maximum(pooling, input, $0, $1, mask, output) }
    }
  }

  /// The mean of each window, zeros of the padding included.
  package func average(
    _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>
  ) {
    withPooling { pooling in
      withWorkspace(pooling) { ck_pool_average(pooling, input, $0, $1, output) }
    }
  }

  /// One value of each window, drawn with a probability in proportion to it (training).
  ///
  /// - Parameter random: a number of [0, 1) for every output.
  package func sample(
    _ input: UnsafePointer<Float>, random: UnsafePointer<Float>,
    mask: UnsafeMutablePointer<Int32>, into output: UnsafeMutablePointer<Float>
  ) {
    withPooling { ck_pool_sample($0, input, random, mask, output) }
  }

  /// The expectation of `sample`: Σx² / Σx, 0 where Σx is not positive (testing).
  package func expectation(
    _ input: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>
  ) {
    withPooling { ck_pool_expectation($0, input, output) }
  }

  /// The backward pass of `maximum` and `sample`. Overwrites `inputGradient`.
  package func backward(
    _ gradient: UnsafePointer<Float>, mask: UnsafePointer<Int32>,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    withPooling { ck_pool_masked_backward($0, gradient, mask, inputGradient) }
  }

  /// The backward pass of `average`. Overwrites `inputGradient`.
  package func averageBackward(
    _ gradient: UnsafePointer<Float>, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    withPooling { pooling in
      withWorkspace(pooling) { ck_pool_average_backward(pooling, gradient, $0, $1, inputGradient) }
    }
  }

  private func withPooling(_ body: (UnsafePointer<ck_pooling>) -> Void) {
    windows.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      var pooling = ck_pooling(
        planes: geometry.batch * geometry.channels, input: (input[0], input[1], input[2]),
        output: (output[0], output[1], output[2]),
        windows: (start, start + output[0], start + output[0] + output[1]))
      body(&pooling)
    }
  }

  private func withWorkspace(
    _ pooling: UnsafePointer<ck_pooling>,
    _ body: (_ parts: Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    let parts = ck_pool_parts(pooling)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: parts * 2 * input[2]) {
      guard let workspace = $0.baseAddress else { return }
      body(parts, workspace)
    }
  }
}
