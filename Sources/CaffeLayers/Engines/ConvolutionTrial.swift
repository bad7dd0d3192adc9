import CaffeCore
import CaffeKernels

/// A convolution as a net uses it: all passes, and the conversions to and from the orders of the layers
/// around.
///
/// Each run begins with bottom and top's gradient in the orders in which the layers around write them.
struct ConvolutionTrial: SpeedChoices.Trial {
  let operation: any PackedConvolutionOperation
  let gradients: WeightedGradients
  /// In which the layer below leaves the bottom; `nil` for plain.
  let order: (any PackedLayout)?
  /// In which the layers above, which go by their rules, would have the top.
  let topOrder: any PackedLayout
  let blobs: ConvolutionTrialBlobs

  func begin() {
    // Memory that nobody has written to is all one page, which is faster than real memory.
    blobs.bottom.data.fill(in: order)
    guard !gradients.isEmpty else { return }
    blobs.top.diff.fill(in: topOrder)
    // As an update would leave them.
    blobs.weights.data.fill(in: nil)
  }

  func run() {
    let (bottom, top, weights, bias) = (blobs.bottom, blobs.top, blobs.weights, blobs.bias)
    bottom.data.announce(order)
    operation.forward(bottom.data, weights: weights.data, bias: bias.data, into: top.data)
    _ = top.data.read(as: topOrder)
    top.diff.announce(topOrder)
    if gradients.contains(.weights) {
      operation.backwardWeights(
        bottom.data, outputGradient: top.diff, addingTo: weights.diff, bias: bias.diff)
    }
    guard gradients.contains(.input) else { return }
    operation.backwardData(top.diff, weights: weights.data, into: bottom.diff)
    _ = bottom.diff.readBytes(in: order)
  }
}

/// The blobs of all trials of one convolution, which run one after the other.
final class ConvolutionTrialBlobs {
  let bottom: Blob
  let top: Blob
  let weights: Blob
  let bias: Blob

  init(_ g: ConvolutionGeometry) throws {
    let pool = MemoryPool(
      expecting: MemoryLayout<Float>.stride * 4 * (g.inputCount + g.outputCount))
    bottom = Blob("bottom", try Shape([g.batch, g.inputChannels] + g.input))
    top = Blob("top", try Shape([g.batch, g.outputChannels] + g.output))
    weights = Blob("weights", try Shape([g.outputChannels, g.inputChannels / g.groups] + g.kernel))
    bias = Blob("bias", try Shape([g.outputChannels]))
    for blob in [bottom, top] { blob.draw(from: pool) }
    weights.data.fill(in: nil)
  }
}
