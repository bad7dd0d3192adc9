import COneDNN

/// Which algorithm and which order of the channels a convolution runs fastest with, as measured on
/// two AVX-512 cores.
extension ConvolutionGeometry {
  /// Whether oneDNN could work on transformed tiles: 3x3 windows of stride 1.
  package var admitsWinograd: Bool { hasTileWindows && groups == 1 && kernel == [3, 3] }

  /// From 64 channels on, such windows ran 1.5 to 2.7 times faster on transformed tiles, in all three
  /// passes; oneDNN's own choice takes Winograd for the weights' gradient only.
  package var winogradPays: Bool {
    admitsWinograd && min(inputChannels, outputChannels) >= 64
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
      guard winogradPays else { return try create(dnnl_convolution_direct) }
      do {
        return try create(dnnl_convolution_winograd)
      } catch is EngineRefusal {
        return try create(dnnl_convolution_direct)
      }
    }
  }

  /// Whether our own loops could: 3x3 or 5x5 windows of stride 1, in groups too.
  package var hasTileWindows: Bool {
    (kernel == [3, 3] || kernel == [5, 5]) && stride == [1, 1] && dilation == [1, 1]
  }

  /// Whether a trial of those is worth its time: small groups leave most of a vector empty.
  package var tilesMayPay: Bool {
    hasTileWindows && (groups == 1 || min(inputChannels, outputChannels) / groups >= 8)
  }

  /// Where those are faster than oneDNN's direct code, as measured on two AVX2 cores.
  package var tilesPay: Bool {
    hasTileWindows && min(inputChannels, outputChannels) / groups >= (kernel == [3, 3] ? 64 : 32)
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
