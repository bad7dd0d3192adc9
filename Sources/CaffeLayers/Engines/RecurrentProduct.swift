import CaffeCore
import CaffeKernels

/// What a recurrent layer multiplies at each step: a state `[streams, units]` and weights
/// `[sums, units]`.
protocol RecurrentProduct {
  /// sums ← sums + state · weightsᵀ, for sums `[streams, sums]`.
  func add(
    _ state: UnsafePointer<Float>, weights: Tensor, to sums: UnsafeMutablePointer<Float>)
  /// stateGradient ← sumGradients · weights
  func backward(
    _ sumGradients: UnsafePointer<Float>, weights: Tensor,
    into stateGradient: UnsafeMutablePointer<Float>)
}

/// OpenBLAS, which arranges the weights anew at each step.
struct CaffeRecurrentProduct: RecurrentProduct {
  let streams: Int
  let units: Int
  let sums: Int
  private let operands: RoundedOperands

  init(streams: Int, units: Int, sums: Int, precision: Precision) {
    self.streams = streams
    self.units = units
    self.sums = sums
    operands = RoundedOperands(precision)
  }

  func add(
    _ state: UnsafePointer<Float>, weights: Tensor, to sums: UnsafeMutablePointer<Float>
  ) {
    let (state, weights) = operands.round(
      (state, streams * units), (weights.read(), self.sums * units))
    Gemm.multiply(
      Gemm.Operand(state, stride: units),
      Gemm.Operand(weights, stride: units, transposed: true), rows: streams,
      columns: self.sums, inner: units, beta: 1, into: sums)
  }

  func backward(
    _ sumGradients: UnsafePointer<Float>, weights: Tensor,
    into stateGradient: UnsafeMutablePointer<Float>
  ) {
    let (gradients, weights) = operands.round(
      (sumGradients, streams * sums), (weights.read(), sums * units))
    Gemm.multiply(
      Gemm.Operand(gradients, stride: sums), Gemm.Operand(weights, stride: units),
      rows: streams, columns: units, inner: sums, into: stateGradient)
  }
}

/// oneDNN's 1x1 convolution of a row of streams, channels last, whose weights are arranged once for all
/// steps.
struct OneDNNRecurrentProduct: RecurrentProduct {
  private let forward: WeightedForward
  private let backwardData: WeightedBackwardData?

  /// - Throws: `EngineRefusal` if oneDNN has no fast code, or not in this order, or there is nothing to do.
  init(
    streams: Int, units: Int, sums: Int, precision: Precision, hasGradient: Bool,
    scratchpad: Scratchpad
  ) throws {
    guard streams > 0 else { throw EngineRefusal("there are no streams") }
    let convolution = try OneDNNConvolution(
      ConvolutionGeometry(
        batch: 1, inputChannels: units, outputChannels: sums, input: [1, streams], kernel: [1, 1],
        stride: [1, 1], pad: [0, 0], dilation: [1, 1]),
      hasBias: false, precision: precision, fused: .sum, algorithm: .direct,
      gradients: hasGradient ? .input : [],
      input: .channelsLast, scratchpad: scratchpad)
    forward = convolution.forward
    backwardData = convolution.backwardData
    let (state, sum) = (
      try OneDNNMemoryLayout.channelsLast([1, units, 1, streams]),
      try OneDNNMemoryLayout.channelsLast([1, sums, 1, streams])
    )
    guard forward.inputLayout.isEqual(to: state), forward.outputLayout.isEqual(to: sum),
      backwardData?.inputGradientLayout.isEqual(to: state) ?? true,
      backwardData?.outputGradientLayout.isEqual(to: sum) ?? true
    else { throw EngineRefusal("its steps would have to be put into another order") }
  }

  /// oneDNN's name of the code.
  var implementation: String { forward.implementation }

  func add(
    _ state: UnsafePointer<Float>, weights: Tensor, to sums: UnsafeMutablePointer<Float>
  ) {
    forward.run(
      Operand(state), weights: weights.read(), revision: weights.revision, bias: nil, into: sums)
  }

  func backward(
    _ sumGradients: UnsafePointer<Float>, weights: Tensor,
    into stateGradient: UnsafeMutablePointer<Float>
  ) {
    backwardData?.run(
      Operand(sumGradients), weights: weights.read(), revision: weights.revision,
      into: stateGradient)
  }
}
