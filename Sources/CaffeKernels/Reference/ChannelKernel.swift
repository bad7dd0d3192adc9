import CaffeKernelsC

/// How channels lie in a buffer: `[outer, channels, inner]`, or `[outer, channels / block, inner,
/// block]` where they alternate in blocks, as oneDNN has them.
package struct ChannelExtents: Hashable, Sendable {
  package let outer: Int
  package let channels: Int
  package let inner: Int
  package let block: Int

  /// - Parameter block: a divisor of `channels` and of 64.
  package init(outer: Int = 1, channels: Int = 1, inner: Int = 1, block: Int = 1) {
    self.outer = outer
    self.channels = channels
    self.inner = inner
    self.block = block
  }

  /// Values of one channel.
  package var population: Int { outer * inner }

  /// output ← p[c] · a + q[c] · b + r[c]; what is `nil` counts as p 1, q · b 0, r 0.
  func affine(
    _ a: UnsafePointer<Float>, _ p: UnsafePointer<Float>?, _ b: UnsafePointer<Float>? = nil,
    _ q: UnsafePointer<Float>? = nil, plus r: UnsafePointer<Float>?,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_channel_affine(a, b, p, q, r, outer, channels, inner, block, output)
  }

  /// sums[c] ← factor · Σ over outer and inner, plus the old sums[c] if `adding`.
  func reduce(
    _ operation: ck_reduction, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>? = nil,
    constants: UnsafePointer<Float>? = nil, factor: Float = 1, adding: Bool = false,
    into sums: UnsafeMutablePointer<Float>
  ) {
    ck_reduce_channels(
      operation, a, b, constants, outer, channels, inner, block, factor, adding ? 1 : 0, sums)
  }
}

/// Arithmetic with one constant per channel: the Scale, Bias and PReLU layers and the bias of a
/// convolution.
///
/// An InnerProduct's bias is the case `inner == 1`. Outputs may be one of the inputs.
package enum ChannelKernel {
  /// output ← input · scale[c] (+ bias[c])
  package static func scale(
    _ input: UnsafePointer<Float>, by scale: UnsafePointer<Float>,
    bias: UnsafePointer<Float>? = nil, over extents: ChannelExtents,
    into output: UnsafeMutablePointer<Float>
  ) {
    extents.affine(input, scale, plus: bias, into: output)
  }

  /// output ← input + bias[c]
  package static func add(
    _ input: UnsafePointer<Float>, bias: UnsafePointer<Float>, over extents: ChannelExtents,
    into output: UnsafeMutablePointer<Float>
  ) {
    extents.affine(input, nil, plus: bias, into: output)
  }

  /// sums[c] ← sums[c] + Σ values over outer and inner: the gradient of a bias.
  package static func addSums(
    _ values: UnsafePointer<Float>, over extents: ChannelExtents,
    into sums: UnsafeMutablePointer<Float>
  ) {
    extents.reduce(CK_SUM, values, adding: true, into: sums)
  }

  /// sums[c] ← sums[c] + Σ a · b over outer and inner: the gradient of a scale.
  package static func addDots(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, over extents: ChannelExtents,
    into sums: UnsafeMutablePointer<Float>
  ) {
    extents.reduce(CK_DOT, a, b, adding: true, into: sums)
  }
}

/// PReLU: x where it is positive, else slope[c] · x. A shared slope is the case of one channel.
package enum PReLUKernel {
  package static func forward(
    _ input: UnsafePointer<Float>, slope: UnsafePointer<Float>, outer: Int, channels: Int,
    inner: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ck_prelu(input, slope, outer, channels, inner, output)
  }

  /// - Parameter input: the layer's bottom as it was before an in-place forward pass.
  package static func backward(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, slope: UnsafePointer<Float>,
    outer: Int, channels: Int, inner: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    ck_prelu_backward(gradient, input, slope, outer, channels, inner, inputGradient)
  }

  /// slopeGradient[c] ← slopeGradient[c] + Σ gradient · input where the input is not positive.
  package static func backwardSlope(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, outer: Int, channels: Int,
    inner: Int, addingTo slopeGradient: UnsafeMutablePointer<Float>
  ) {
    ChannelExtents(outer: outer, channels: channels, inner: inner)
      .reduce(CK_NEGATIVE_DOT, gradient, input, adding: true, into: slopeGradient)
  }
}
