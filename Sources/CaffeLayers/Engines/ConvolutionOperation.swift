import CaffeCore
import CaffeErrors
import CaffeKernels

/// The three passes of a convolution on one engine, for one geometry.
protocol ConvolutionOperation {
  /// Overwrites `output`.
  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into output: Tensor)
  /// Overwrites `inputGradient`.
  func backwardData(_ outputGradient: Tensor, weights: Tensor, into inputGradient: Tensor)
  /// Adds to the gradients that are given.
  func backwardWeights(
    _ input: Tensor, outputGradient: Tensor, addingTo weights: Tensor, bias: Tensor?)
}

/// OpenBLAS: unfolds windows and multiplies matrices, in plain order.
struct CaffeConvolutionOperation: ConvolutionOperation {
  private let convolution: ReferenceConvolution

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

/// oneDNN, in the orders that are fastest for the geometry and the layers around it.
struct OneDNNConvolutionOperation: ConvolutionOperation {
  private let convolution: OneDNNConvolution

  /// - Parameter bottom: the order in which the input will come; nil if any will do.
  /// - Throws: `EngineRefusal` for a geometry that oneDNN does not take, or not in this variant.
  init(
    _ geometry: ConvolutionGeometry, variant: ConvolutionVariant = .ruled, hasBias: Bool,
    precision: Precision, fusedReLUSlope: Float?, gradients: WeightedGradients,
    bottom: LayoutRequest?, scratchpad: Scratchpad
  ) throws {
    func make(_ input: LayoutRequest) throws -> OneDNNConvolution {
      try OneDNNConvolution(
        geometry, hasBias: hasBias, precision: precision,
        fused: fusedReLUSlope.map { .relu(slope: $0) } ?? .nothing,
        algorithm: variant.algorithm, gradients: gradients, input: input, scratchpad: scratchpad)
    }
    if let input = variant.input {
      convolution = try make(input)
      return
    }
    do {
      convolution = try make(bottom ?? geometry.preferredOrder)
    } catch is EngineRefusal {
      // Not in this order, then: converting the bottom is cheaper than leaving oneDNN.
      convolution = try make(.any)
    }
  }

  /// oneDNN's name of the forward pass's code.
  var implementation: String { convolution.forward.implementation }
  /// oneDNN's name of the code of the input's gradient, if that was asked for.
  var gradientImplementation: String? { convolution.backwardData?.implementation }

  /// The order the output will have.
  var outputOrder: any PackedLayout { convolution.forward.outputLayout }

  /// The order the input's gradient will have, nil if it was not asked for.
  var inputGradientOrder: (any PackedLayout)? { convolution.backwardData?.inputGradientLayout }

  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into output: Tensor) {
    let pass = convolution.forward
    pass.run(
      input.read(as: pass.inputLayout), weights: weights.read(), revision: weights.revision,
      bias: bias?.read(),
      into: output.overwrite(as: pass.outputLayout))
  }

  func backwardData(_ outputGradient: Tensor, weights: Tensor, into inputGradient: Tensor) {
    guard let pass = convolution.backwardData else { return }
    pass.run(
      outputGradient.read(as: pass.outputGradientLayout), weights: weights.read(),
      revision: weights.revision,
      into: inputGradient.overwrite(as: pass.inputGradientLayout))
  }

  func backwardWeights(
    _ input: Tensor, outputGradient: Tensor, addingTo weights: Tensor, bias: Tensor?
  ) {
    guard let pass = convolution.backwardWeights else { return }
    pass.run(
      input.read(as: pass.inputLayout),
      outputGradient: outputGradient.read(as: pass.outputGradientLayout),
      into: weights.accumulate(), biasGradient: bias?.accumulate())
  }
}
