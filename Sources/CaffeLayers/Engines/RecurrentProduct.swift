import CaffeCore
import CaffeKernels

/// What a recurrent layer multiplies at each step: a state `[streams, units]` and weights
/// `[sums, units]`.
///
/// A product calls `finish` with units for which it is done, for all units once, and perhaps on several
/// threads: what a step does to these units alone is done where they are in the caches.
protocol RecurrentProduct {
  /// sums ← start + state · weightsᵀ, for sums `[streams, sums]`.
  ///
  /// - Parameter start: `nil` for what is in `sums`.
  func forward(
    _ state: UnsafePointer<Float>, weights: Tensor, from start: RowLookup?,
    into sums: UnsafeMutablePointer<Float>, then finish: @Sendable (_ units: Range<Int>) -> Void)
  /// stateGradient ← sumGradients · weights
  func backward(
    _ sumGradients: UnsafePointer<Float>, weights: Tensor,
    into stateGradient: UnsafeMutablePointer<Float>,
    then finish: @Sendable (_ units: Range<Int>) -> Void)
}

/// Our loops, with weights in panels.
struct PanelRecurrentProduct: RecurrentProduct {
  private let stateCount: Int
  private let sumCount: Int
  private let product: PanelProduct
  private let backwardProduct: PanelProduct?
  private let operands: RoundedOperands

  init(streams: Int, units: Int, sumsPerUnit: Int, precision: Precision, hasGradient: Bool) {
    stateCount = streams * units
    sumCount = sumsPerUnit * stateCount
    product = PanelProduct(rows: streams, inner: units, sets: sumsPerUnit, columns: units)
    backwardProduct =
      hasGradient
      ? PanelProduct(rows: streams, inner: sumsPerUnit * units, columns: units) : nil
    operands = RoundedOperands(precision)
  }

  /// The loops' name, as `panels:v4`.
  var implementation: String { product.implementation }

  func forward(
    _ state: UnsafePointer<Float>, weights: Tensor, from start: RowLookup?,
    into sums: UnsafeMutablePointer<Float>, then finish: @Sendable (Range<Int>) -> Void
  ) {
    product.take(operands.round(weights.read(), weights.count), revision: weights.revision)
    product.run(
      operands.round(state, stateCount), from: start.map { .rows($0) } ?? .output, into: sums,
      then: finish)
  }

  func backward(
    _ sumGradients: UnsafePointer<Float>, weights: Tensor,
    into stateGradient: UnsafeMutablePointer<Float>,
    then finish: @Sendable (Range<Int>) -> Void
  ) {
    backwardProduct?.take(
      operands.round(weights.read(), weights.count), revision: weights.revision, transposed: true)
    backwardProduct?.run(
      operands.round(sumGradients, sumCount), from: .zero, into: stateGradient, then: finish)
  }
}

/// oneDNN's 1x1 convolution of a row of streams, channels last, whose weights are arranged once for all
/// steps.
struct OneDNNRecurrentProduct: RecurrentProduct {
  private let streams: Int
  private let units: Int
  private let sumsPerStream: Int
  private let forward: WeightedForward
  private let backwardData: WeightedBackwardData?

  /// - Throws: `EngineRefusal` if oneDNN has no fast code, or not in this order, or there is nothing to do.
  init(
    streams: Int, units: Int, sums: Int, precision: Precision, hasGradient: Bool,
    scratchpad: Scratchpad
  ) throws {
    guard streams > 0 else { throw EngineRefusal("there are no streams") }
    self.streams = streams
    self.units = units
    sumsPerStream = sums
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

  func forward(
    _ state: UnsafePointer<Float>, weights: Tensor, from start: RowLookup?,
    into sums: UnsafeMutablePointer<Float>, then finish: @Sendable (Range<Int>) -> Void
  ) {
    if let start {
      LookupKernel.gather(
        start.table, indices: start.indices, count: streams, width: sumsPerStream, into: sums)
    }
    forward.run(
      Operand(state), weights: weights.read(), revision: weights.revision, bias: nil, into: sums)
    finish(0..<units)
  }

  func backward(
    _ sumGradients: UnsafePointer<Float>, weights: Tensor,
    into stateGradient: UnsafeMutablePointer<Float>,
    then finish: @Sendable (Range<Int>) -> Void
  ) {
    backwardData?.run(
      Operand(sumGradients), weights: weights.read(), revision: weights.revision,
      into: stateGradient)
    finish(0..<units)
  }
}
