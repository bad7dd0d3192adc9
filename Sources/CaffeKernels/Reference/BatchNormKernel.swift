import CaffeKernelsC

/// Batch normalisation, with a scale and a shift per channel and a ReLU behind it if wanted:
/// y = factor · (x − mean) + shift, factor = scale / √(variance + epsilon), then max(y, 0).
///
/// The values before the ReLU are computed again in the backward pass instead of kept.
package struct BatchNormKernel {
  /// The statistics of each channel; the variance is the biased one.
  package struct Statistics {
    let mean: UnsafeMutablePointer<Float>
    let variance: UnsafeMutablePointer<Float>
    /// Given, or else found by `forward`.
    let areGiven: Bool

    package init(
      mean: UnsafeMutablePointer<Float>, variance: UnsafeMutablePointer<Float>, areGiven: Bool
    ) {
      self.mean = mean
      self.variance = variance
      self.areGiven = areGiven
    }
  }

  private let settings: ck_normalization
  private let workspace: UnsafeMutablePointer<Float>

  /// - Parameters:
  ///   - scale, shift: one value per channel; `nil` means 1 and 0.
  ///   - isRectified: whether a ReLU is applied to y.
  ///   - isRounded: all values of blobs, and their gradients, are bfloat16 instead of float32.
  ///   - workspace: this kernel's alone while it runs.
  package init(
    _ extents: ChannelExtents, epsilon: Float, statistics: Statistics,
    scale: UnsafePointer<Float>? = nil, shift: UnsafePointer<Float>? = nil,
    isRectified: Bool = false, isRounded: Bool = false, workspace: inout Workspace
  ) {
    settings = ck_normalization(
      outer: extents.outer, channels: extents.channels, inner: extents.inner, block: extents.block,
      mean: statistics.mean, variance: statistics.variance, given: statistics.areGiven,
      eps: epsilon, scale: scale, shift: shift, floor: isRectified ? 0 : -.infinity,
      rounded: isRounded)
    self.workspace = workspace.reserve(
      withUnsafePointer(to: settings) { ck_normalize_workspace($0) })
  }

  /// Overwrites `output`, which may be `input`, and the statistics unless they are given.
  ///
  /// - Parameter residual: added to y before the ReLU.
  package func forward(
    _ input: UnsafeRawPointer, adding residual: UnsafeRawPointer? = nil,
    into output: UnsafeMutableRawPointer
  ) {
    withUnsafePointer(to: settings) { ck_normalize($0, input, residual, workspace, output) }
  }

  /// Overwrites `inputGradient`, which may be `gradient`, and adds to the gradients of scale and
  /// shift that are given.
  package func backward(
    _ gradient: UnsafeRawPointer, input: UnsafeRawPointer,
    into inputGradient: UnsafeMutableRawPointer,
    scaleGradient: UnsafeMutablePointer<Float>? = nil,
    shiftGradient: UnsafeMutablePointer<Float>? = nil
  ) {
    withUnsafePointer(to: settings) {
      ck_normalize_backward(
        $0, gradient, input, workspace, inputGradient, scaleGradient, shiftGradient)
    }
  }

  /// As `backward` for the gradient `sum` ← sum + other, only where `output` is positive if it is
  /// given, which minds the ReLU. `inputGradient` may be `input`.
  package func backward(
    joining other: UnsafeRawPointer?, to sum: UnsafeMutableRawPointer,
    where output: UnsafeRawPointer?, input: UnsafeRawPointer,
    into inputGradient: UnsafeMutableRawPointer,
    scaleGradient: UnsafeMutablePointer<Float>? = nil,
    shiftGradient: UnsafeMutablePointer<Float>? = nil
  ) {
    var joined = ck_joined_gradient(sum: sum, other: other, y: output)
    withUnsafePointer(to: settings) {
      ck_normalize_joined_backward(
        $0, &joined, input, workspace, inputGradient, scaleGradient, shiftGradient)
    }
  }
}
