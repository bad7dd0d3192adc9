import CaffeErrors
import CaffeKernelsC

/// Local response normalisation across channels, on `[batch, channels, size]`:
/// y = x · scale^−beta, scale = k + alpha/n · Σx² over the n channels around each.
package struct LRNAcrossChannels: Sendable {
  package let batch: Int
  package let channels: Int
  package let size: Int
  /// Channels of a neighbourhood (`local_size`), odd.
  package let localSize: Int
  package let alpha: Float
  package let beta: Float
  package let k: Float

  package init(
    batch: Int, channels: Int, size: Int, localSize: Int, alpha: Float, beta: Float, k: Float
  ) {
    self.batch = batch
    self.channels = channels
    self.size = size
    self.localSize = localSize
    self.alpha = alpha
    self.beta = beta
    self.k = k
  }

  /// - Parameter scale: receives what the backward pass needs, as large as the input.
  package func forward(
    _ input: UnsafePointer<Float>, scale: UnsafeMutablePointer<Float>,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_lrn(input, batch, channels, size, localSize, alpha, beta, k, scale, output)
  }

  /// `inputGradient` may be `gradient`.
  package func backward(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    scale: UnsafePointer<Float>, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    let parts = ck_lrn_parts(batch, channels, size)
    let count = parts * ck_lrn_workspace(channels)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { workspace in
      ck_lrn_backward(
        gradient, input, output, scale, batch, channels, size, localSize, alpha, beta,
        parts, workspace.baseAddress, inputGradient)
    }
  }
}

/// Local response normalisation within a channel: y = x · scale^−beta,
/// scale = 1 + alpha · the mean of x² over an n × n window, padded with zeros.
package struct LRNWithinChannel: Sendable {
  package let alpha: Float
  package let beta: Float
  private let pooling: ReferencePooling

  /// - Throws: when the window does not fit the planes.
  package init(
    batch: Int, channels: Int, input: [Int], localSize: Int, alpha: Float, beta: Float
  ) throws {
    self.alpha = alpha
    self.beta = beta
    let axes = input.count
    pooling = try ReferencePooling(
      PoolingGeometry(
        batch: batch, channels: channels, input: input,
        kernel: Array(repeating: localSize, count: axes),
        stride: Array(repeating: 1, count: axes),
        pad: Array(repeating: (localSize - 1) / 2, count: axes)))
  }

  private var count: Int { pooling.geometry.inputCount }

  /// - Parameter scale: receives what the backward pass needs, as large as the input.
  package func forward(
    _ input: UnsafePointer<Float>, scale: UnsafeMutablePointer<Float>,
    into output: UnsafeMutablePointer<Float>
  ) {
    Vector.multiply(input, input, count: count, into: output)
    pooling.average(output, into: scale)
    Vector.scale(scale, by: alpha, plus: 1, count: count, into: scale)
    PowerKernel.forward(scale, power: -beta, scale: 1, shift: 0, count: count, into: output)
    Vector.multiply(output, input, count: count, into: output)
  }

  /// inputGradient ← gradient · scale^−beta − 2·alpha·beta · x · mean(gradient · output / scale);
  /// it may be `gradient`.
  package func backward(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    scale: UnsafePointer<Float>, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * count) { workspace in
      guard let ratio = workspace.baseAddress else { return }
      let shared = ratio + count
      Vector.multiply(gradient, output, count: count, into: ratio)
      Vector.divide(ratio, by: scale, count: count, into: ratio)
      pooling.averageBackward(ratio, into: shared)
      PowerKernel.forward(scale, power: -beta, scale: 1, shift: 0, count: count, into: ratio)
      Vector.multiply(ratio, gradient, count: count, into: inputGradient)
      Vector.addProduct(
        shared, input, factor: -2 * alpha * beta, count: count, into: inputGradient)
    }
  }
}
