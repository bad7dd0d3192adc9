import CaffeKernelsC

/// Arithmetic with one constant per channel, on buffers `[outer, channels, inner]`: the Scale, Bias
/// and PReLU layers and the bias of a convolution.
///
/// An InnerProduct's bias is the case `inner == 1`. Outputs may be one of the inputs.
package enum ChannelKernel {
  /// output ← input · scale[c] (+ bias[c])
  package static func scale(
    _ input: UnsafePointer<Float>, by scale: UnsafePointer<Float>,
    bias: UnsafePointer<Float>? = nil, outer: Int, channels: Int, inner: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    ck_channel_affine(input, nil, scale, nil, bias, outer, channels, inner, output)
  }

  /// output ← input + bias[c]
  package static func add(
    _ input: UnsafePointer<Float>, bias: UnsafePointer<Float>, outer: Int, channels: Int,
    inner: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ck_channel_affine(input, nil, nil, nil, bias, outer, channels, inner, output)
  }

  /// output ← p[c] · a + q[c] · b + r[c]
  package static func combine(
    _ a: UnsafePointer<Float>, by p: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    by q: UnsafePointer<Float>, plus r: UnsafePointer<Float>, outer: Int, channels: Int,
    inner: Int, into output: UnsafeMutablePointer<Float>
  ) {
    ck_channel_affine(a, b, p, q, r, outer, channels, inner, output)
  }

  /// sums[c] ← sums[c] + Σ values over outer and inner: the gradient of a bias.
  package static func addSums(
    _ values: UnsafePointer<Float>, outer: Int, channels: Int, inner: Int,
    into sums: UnsafeMutablePointer<Float>
  ) {
    ck_reduce_channels(CK_SUM, values, nil, nil, outer, channels, inner, 1, 1, sums)
  }

  /// sums[c] ← sums[c] + Σ a · b over outer and inner: the gradient of a scale.
  package static func addDots(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, outer: Int, channels: Int, inner: Int,
    into sums: UnsafeMutablePointer<Float>
  ) {
    ck_reduce_channels(CK_DOT, a, b, nil, outer, channels, inner, 1, 1, sums)
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
    ck_reduce_channels(
      CK_NEGATIVE_DOT, gradient, input, nil, outer, channels, inner, 1, 1, slopeGradient)
  }
}
