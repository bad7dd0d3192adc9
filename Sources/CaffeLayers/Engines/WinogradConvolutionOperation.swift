import CaffeCore
import CaffeErrors
import CaffeKernels

/// Our loops on transformed tiles, in the order of the bottom or the one a chain of layers should keep.
struct WinogradConvolutionOperation: PackedConvolutionOperation {
  private let convolution: WinogradConvolution
  private let inputOrder: any PackedLayout
  let outputOrder: any PackedLayout
  var implementation: String { convolution.implementation }
  var keepsWeights: Bool { convolution.keepsWeights }

  /// - Parameter bottom: the order in which the input will come; nil for plain.
  /// - Throws: `EngineRefusal` for a geometry that these loops do not take.
  init(
    _ geometry: ConvolutionGeometry, fused: FusedStep, gradients: WeightedGradients,
    bottom: (any PackedLayout)?, scratchpad: Scratchpad
  ) throws {
    let slope: Float?
    switch fused {
    case .nothing: slope = nil
    case .relu(let given): slope = given
    case .sum, .sumAndReLU: throw EngineRefusal("its tiles overwrite what is there")
    }
    let extents = [geometry.batch, geometry.inputChannels] + geometry.input
    inputOrder =
      try bottom
      ?? (geometry.prefersChannelsLast
        ? OneDNNMemoryLayout.channelsLast(extents)
        : OneDNNMemoryLayout.blocked(extents, by: WinogradConvolution.lanes))
    guard
      let outputOrder = inputOrder.resized(
        to: [geometry.batch, geometry.outputChannels] + geometry.output)
    else { throw EngineRefusal("its tiles do not take the order \(inputOrder.orderName)") }
    self.outputOrder = outputOrder
    convolution = try WinogradConvolution(
      geometry, input: inputOrder.channelRuns, output: outputOrder.channelRuns,
      fusedReLUSlope: slope, gradients: gradients, scratchpad: scratchpad)
  }

  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into output: Tensor) {
    convolution.forward(
      input.read(in: inputOrder), weights: weights.read(), revision: weights.revision,
      bias: bias?.read(), into: output.overwrite(in: outputOrder))
  }

  func joining() -> WinogradConvolutionOperation { self }

  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into place: JoinedPlace) {
    convolution.forward(
      input.read(in: inputOrder), weights: weights.read(), revision: weights.revision,
      bias: bias?.read(), into: place.overwrite(), stride: place.stride)
  }

  func backwardData(_ outputGradient: Tensor, weights: Tensor, into inputGradient: Tensor) {
    convolution.backwardData(
      outputGradient.read(in: outputOrder), weights: weights.read(),
      into: inputGradient.overwrite(in: inputOrder))
  }

  func backwardWeights(
    _ input: Tensor, outputGradient: Tensor, addingTo weights: Tensor, bias: Tensor?
  ) {
    convolution.backwardWeights(
      input.read(in: inputOrder), outputGradient: outputGradient.read(in: outputOrder),
      into: weights.accumulate(), bias: bias?.accumulate())
  }
}
