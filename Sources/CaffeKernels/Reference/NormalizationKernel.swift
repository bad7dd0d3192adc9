import CaffeKernelsC

/// Statistics and normalisation per channel, as MVN has them: there `outer` is 1, and the "channels"
/// are the rows to be normalised. BatchNorm has a kernel of its own.
package struct NormalizationKernel: Hashable, Sendable {
  package let extents: ChannelExtents

  package init(_ extents: ChannelExtents) { self.extents = extents }

  private var channels: Int { extents.channels }
  private var share: Float { 1 / Float(extents.population) }

  /// mean[c], and the biased variance[c] = mean of (x − mean[c])².
  package func statistics(
    _ input: UnsafePointer<Float>, mean: UnsafeMutablePointer<Float>,
    variance: UnsafeMutablePointer<Float>
  ) {
    extents.reduce(CK_SUM, input, factor: share, into: mean)
    extents.reduce(CK_CENTRED_SUMSQ, input, constants: mean, factor: share, into: variance)
  }

  /// output ← (input − mean[c]) · factor[c]; `output` may be `input`.
  ///
  /// The factor is 1 / (√variance + eps) for MVN.
  package func normalize(
    _ input: UnsafePointer<Float>, mean: UnsafePointer<Float>, factor: UnsafePointer<Float>,
    into output: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: channels) { shift in
      guard let shift = shift.baseAddress else { return }
      for channel in 0..<channels { shift[channel] = -mean[channel] * factor[channel] }
      extents.affine(input, factor, plus: shift, into: output)
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
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * channels) { sums in
      guard let slope = sums.baseAddress else { return }
      let shift = slope + channels
      extents.reduce(CK_DOT, gradient, output, factor: -share, into: slope)
      extents.reduce(CK_SUM, gradient, factor: -share, into: shift)
      for channel in 0..<channels {
        slope[channel] *= factor[channel]
        shift[channel] *= factor[channel]
      }
      extents.affine(gradient, factor, output, slope, plus: shift, into: inputGradient)
    }
  }

  /// inputGradient ← gradient − mean(gradient): the backward pass of subtracting the mean alone.
  package func backwardOfMean(
    _ gradient: UnsafePointer<Float>, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: channels) { shift in
      guard let shift = shift.baseAddress else { return }
      extents.reduce(CK_SUM, gradient, factor: -share, into: shift)
      extents.affine(gradient, nil, plus: shift, into: inputGradient)
    }
  }
}
