import CaffeKernelsC

/// Statistics and normalisation per channel of `[outer, channels, inner]`: BatchNorm, and MVN as the
/// case of `outer` 1, whose "channels" are the rows to be normalised.
package struct NormalizationKernel: Hashable, Sendable {
  package let outer: Int
  package let channels: Int
  package let inner: Int

  package init(outer: Int, channels: Int, inner: Int) {
    self.outer = outer
    self.channels = channels
    self.inner = inner
  }

  /// Values of one channel.
  package var population: Int { outer * inner }

  /// mean[c], and the biased variance[c] = mean of (x − mean[c])².
  package func statistics(
    _ input: UnsafePointer<Float>, mean: UnsafeMutablePointer<Float>,
    variance: UnsafeMutablePointer<Float>
  ) {
    let share = 1 / Float(population)
    ck_reduce_channels(CK_SUM, input, nil, nil, outer, channels, inner, share, 0, mean)
    ck_reduce_channels(
      CK_CENTRED_SUMSQ, input, nil, mean, outer, channels, inner, share, 0, variance)
  }

  /// output ← (input − mean[c]) · factor[c]; `output` may be `input`.
  ///
  /// The factor is 1 / √(variance + eps) for BatchNorm and 1 / (√variance + eps) for MVN.
  package func normalize(
    _ input: UnsafePointer<Float>, mean: UnsafePointer<Float>, factor: UnsafePointer<Float>,
    into output: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: channels) { shift in
      guard let shift = shift.baseAddress else { return }
      for channel in 0..<channels { shift[channel] = -mean[channel] * factor[channel] }
      ck_channel_affine(input, nil, factor, nil, shift, outer, channels, inner, output)
    }
  }

  /// inputGradient ← factor[c] · (gradient − mean(gradient) − output · mean(gradient · output)), the
  /// means being the channel's own; it may be `gradient`.
  ///
  /// - Parameter output: what `normalize` made.
  package func backward(
    _ gradient: UnsafePointer<Float>, output: UnsafePointer<Float>, factor: UnsafePointer<Float>,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    let share = 1 / Float(population)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * channels) { sums in
      guard let slope = sums.baseAddress else { return }
      let shift = slope + channels
      ck_reduce_channels(CK_DOT, gradient, output, nil, outer, channels, inner, -share, 0, slope)
      ck_reduce_channels(CK_SUM, gradient, nil, nil, outer, channels, inner, -share, 0, shift)
      for channel in 0..<channels {
        slope[channel] *= factor[channel]
        shift[channel] *= factor[channel]
      }
      ck_channel_affine(
        gradient, output, factor, slope, shift, outer, channels, inner, inputGradient)
    }
  }

  /// inputGradient ← gradient − mean(gradient): the backward pass of subtracting the mean alone.
  package func backwardOfMean(
    _ gradient: UnsafePointer<Float>, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    let share = -1 / Float(population)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: channels) { shift in
      guard let shift = shift.baseAddress else { return }
      ck_reduce_channels(CK_SUM, gradient, nil, nil, outer, channels, inner, share, 0, shift)
      ck_channel_affine(gradient, nil, nil, nil, shift, outer, channels, inner, inputGradient)
    }
  }
}
