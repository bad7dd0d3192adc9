import CaffeCore
import CaffeErrors
import CaffeKernels

/// The three passes of a convolution on one engine, for one geometry.
protocol ConvolutionOperation: WeightsKeeping {
  /// Whether `forward` reads the weights only where their revision is another one.
  var keepsWeights: Bool { get }
  /// Overwrites `output`, or adds to it where the operation was made so.
  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into output: Tensor)
  /// Overwrites `inputGradient`.
  func backwardData(_ outputGradient: Tensor, weights: Tensor, into inputGradient: Tensor)
  /// Adds to the gradients that are given.
  func backwardWeights(
    _ input: Tensor, outputGradient: Tensor, addingTo weights: Tensor, bias: Tensor?)
}

/// A convolution whose blobs are in packed orders.
protocol PackedConvolutionOperation: ConvolutionOperation {
  /// The name of the forward pass's code.
  var implementation: String { get }
  /// The order the output will have.
  var outputOrder: any PackedLayout { get }
  /// The same operation, which may write to a place in a larger blob.
  ///
  /// - Throws: `EngineRefusal` if it cannot, or only slowly.
  func joining() throws -> Self
  /// As `forward` into a blob of its own; only of `joining`.
  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into place: JoinedPlace)
}

/// OpenBLAS: unfolds windows and multiplies matrices, in plain order.
struct CaffeConvolutionOperation: ConvolutionOperation {
  private let convolution: ReferenceConvolution
  var keepsWeights: Bool { false }

  init(_ geometry: ConvolutionGeometry, precision: Precision) {
    convolution = ReferenceConvolution(geometry, precision: precision)
  }

  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into output: Tensor) {
    convolution.forward(
      input: input.read(), weights: weights.read(), bias: bias?.read(), into: output.overwrite())
  }

  func backwardData(_ outputGradient: Tensor, weights: Tensor, into inputGradient: Tensor) {
    convolution.backwardData(
      outputGradient: outputGradient.read(), weights: weights.read(),
      into: inputGradient.overwrite())
  }

  func backwardWeights(
    _ input: Tensor, outputGradient: Tensor, addingTo weights: Tensor, bias: Tensor?
  ) {
    convolution.backwardWeights(
      input: input.read(), outputGradient: outputGradient.read(), addingTo: weights.update(),
      bias: bias?.update())
  }
}
