import COneDNN

/// Which algorithm and which order of the channels a convolution runs fastest with, as measured on
/// two AVX-512 cores.
extension ConvolutionGeometry {
  /// Whether the windows could be worked on as transformed tiles: 3x3 of stride 1.
  package var hasWinogradWindows: Bool {
    kernel == [3, 3] && stride == [1, 1] && dilation == [1, 1]
  }

  /// Whether oneDNN could do so.
  package var admitsWinograd: Bool { hasWinogradWindows && groups == 1 }

  /// From 64 channels on, such windows ran 1.5 to 2.7 times faster on transformed tiles, in all three
  /// passes; oneDNN's own choice takes Winograd for the weights' gradient only.
  package var winogradPays: Bool {
    hasWinogradWindows && min(inputChannels, outputChannels) / groups >= 64
  }

  /// Calls `create` with oneDNN's name of the algorithm; `automatic` comes back from Winograd to
  /// direct if oneDNN declines.
  func choosing<Choice>(
    _ algorithm: OneDNNConvolution.Algorithm, create: (dnnl_alg_kind_t) throws -> Choice
  ) throws -> Choice {
    switch algorithm {
    case .direct: return try create(dnnl_convolution_direct)
    case .winograd: return try create(dnnl_convolution_winograd)
    case .automatic:
      guard winogradPays, admitsWinograd else { return try create(dnnl_convolution_direct) }
      do {
        return try create(dnnl_convolution_winograd)
      } catch is EngineRefusal {
        return try create(dnnl_convolution_direct)
      }
    }
  }

  /// The order a chain of layers around this convolution should keep.
  ///
  /// oneDNN's blocks hold 16 channels: LeNet's 20 and 50 become 32 and 64, and channels-last, which
  /// pads nothing, was 1.4 times faster. Where blocks fit, they are as fast or faster.
  package var preferredOrder: LayoutRequest { prefersChannelsLast ? .channelsLast : .any }

  package var prefersChannelsLast: Bool {
    let padded = (outputChannels + 15) / 16 * 16
    return 5 * padded > 6 * outputChannels
  }
}
