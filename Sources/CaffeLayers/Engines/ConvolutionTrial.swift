import CaffeCore
import CaffeKernels

/// A convolution as a net uses it, on blobs of its own: all passes, and the conversions to and from the
/// orders of the layers around.
final class ConvolutionTrial {
  private let operation: any PackedConvolutionOperation
  private let gradients: WeightedGradients
  private let order: (any PackedLayout)?
  private let topOrder: any PackedLayout
  private let bottom: Blob
  private let top: Blob
  private let weights: Blob
  private let bias: Blob

  /// - Parameter topOrder: in which the layers above, which go by their rules, would have the top.
  init(
    _ operation: any PackedConvolutionOperation, _ request: ConvolutionRequest,
    topOrder: any PackedLayout
  ) throws {
    self.operation = operation
    gradients = request.gradients
    order = request.bottom
    self.topOrder = topOrder
    let g = request.geometry
    bottom = Blob("bottom", try Shape([g.batch, g.inputChannels] + g.input))
    top = Blob("top", try Shape([g.batch, g.outputChannels] + g.output))
    weights = Blob("weights", try Shape([g.outputChannels, g.inputChannels / g.groups] + g.kernel))
    bias = Blob("bias", try Shape([g.outputChannels]))
    // Memory that nobody has written to is all one page, which is faster than real memory.
    bottom.data.fill(in: order)
    top.diff.fill(in: topOrder)
    weights.data.fill(in: nil)
  }

  func run() {
    // As the layers around would leave them.
    _ = bottom.data.update(in: order)
    if !gradients.isEmpty { _ = weights.data.update() }
    operation.forward(bottom.data, weights: weights.data, bias: bias.data, into: top.data)
    _ = top.data.read(in: topOrder)
    guard !gradients.isEmpty else { return }
    _ = top.diff.update(in: topOrder)
    operation.backwardWeights(
      bottom.data, outputGradient: top.diff, addingTo: weights.diff, bias: bias.diff)
    guard gradients.contains(.input) else { return }
    operation.backwardData(top.diff, weights: weights.data, into: bottom.diff)
    _ = bottom.diff.read(in: order)
  }
}
