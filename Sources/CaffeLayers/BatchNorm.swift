import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Gives each channel mean 0 and variance 1 (Ioffe & Szegedy 2015): y = (x − mean) / √(variance + eps).
/// A Scale layer with `bias_term` follows it where the network is to undo that.
///
/// - Bottom: `[n, c, …]`, or `[n]` as one channel; top: the same, in place or not.
/// - Keeps three blobs that the solver leaves alone: sums of means `[c]` and of variances `[c]`, and
///   the divisor `[1]` that makes them averages. Each training pass multiplies all three by
///   `moving_average_fraction` and adds the batch's mean, its unbiased variance and 1.
///
/// Mean and (biased) variance are the batch's; with `use_global_stats`, which is the default in the
/// TEST phase, they are the kept averages (0 as long as the divisor is 0).
///
/// Source: BVLC Caffe, `batch_norm_layer.cpp`.
final class BatchNormLayer: Layer {
  static let kind = LayerKind(
    "BatchNorm", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true, takesReLUsBehind: true,
    documentation: LayerDocumentation(
      "Gives each channel mean 0 and variance 1; a Scale layer usually follows",
      formula:
        "y = (x - mean) / sqrt(variance + eps), of the batch in training, of kept averages in testing",
      parameterFields: ["batch_norm_param"], source: "batch_norm_layer.cpp")
  ) { try BatchNormLayer($0, context: $1) }

  private let eps: Float
  private let fraction: Float
  private var plain = ChannelExtents()
  /// Mean and variance of the last forward pass.
  private let mean = Tensor([0])
  private let variance = Tensor([0])
  private var workspace = Workspace()
  private var kept = KeptInput()
  /// What a fused Scale multiplies by and adds.
  private var factors: ScaleLayer.Factors?
  /// A ReLU without slope is fused.
  private var isRectified = false

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    eps = parameter.batchNormParam.eps
    fraction = parameter.batchNormParam.movingAverageFraction
    try super.init(parameter, context: context)
  }

  var usesKeptStatistics: Bool {
    let norm = parameter.batchNormParam
    return norm.hasUseGlobalStats ? norm.useGlobalStats : phase == .test
  }

  override func parameterDeclarations(for bottoms: [Shape]) throws -> [ParameterDeclaration] {
    let channels = try Shape([try channelExtents(of: bottoms[0]).channels])
    return [channels, channels, [1]].map {
      ParameterDeclaration(shape: $0, filler: .constant(0), isFixed: true)
    }
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let channels = try channelExtents(of: bottoms[0]).channels
    if let kept = parameters.first, kept.count != channels {
      throw CaffeError(
        "there are statistics of \(kept.count) channels, the bottom now has \(channels)")
    }
    return bottoms
  }

  private func channelExtents(of bottom: Shape) throws -> ChannelExtents {
    guard bottom.axes >= 1 else {
      throw CaffeError("the bottom must have at least 1 axis, [n, c, …], got a scalar")
    }
    return ChannelExtents(
      outer: bottom[0], channels: bottom.legacy(1), inner: bottom.count(from: min(2, bottom.axes)))
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool { usesKeptStatistics }

  override func reshape() throws {
    plain = try channelExtents(of: bottom[0].shape)
    for tensor in [mean, variance] { tensor.reshape(try Shape([plain.channels])) }
    kept.prepare(for: self, isNeeded: propagateDown[0])
    try fuseFollowers()
    announceTop(in: order(adding: nil).layout)
  }

  /// Takes a Scale and a ReLU behind it along: one pass over memory instead of three.
  private func fuseFollowers() throws {
    (factors, isRectified) = (nil, false)
    if isFused(.forward), !isRunFromAbove { return }
    var rest = followers[...]
    if let scale = try scaleBehind() {
      factors = scale.factors
      fuse([.forward, .backward], of: scale.layer)
      rest = rest.dropFirst()
    }
    if let relu = rest.first as? ReLULayer, relu.slope == 0 {
      isRectified = true
      fuse([.forward, .backward], of: relu)
    }
  }

  /// The Scale right behind, if it has a learned factor for each channel and can be taken along:
  /// without a gradient of its own, this layer's backward pass does not run.
  func scaleBehind() throws -> (layer: ScaleLayer, factors: ScaleLayer.Factors)? {
    let shape = bottom[0].shape
    guard let scale = followers.first as? ScaleLayer,
      let factors = try scale.learnedFactors(perChannelOf: channelExtents(of: shape), shape),
      propagateDown[0] || !factors.learns
    else { return nil }
    return (scale, factors)
  }

  /// The order in which the bottom lies: rounded if what is added to the normalised values is so too.
  func order(adding residual: Tensor?) -> ChannelOrder {
    ChannelOrder(
      of: bottom[0].data, plain: plain,
      inPrecisionOf: residual?.isRounded ?? true ? bottom[0].data : nil)
  }

  override func forward() throws {
    forward(adding: nil, isRectified: isRectified, into: top[0].data)
  }

  /// sum ← max(y + residual, 0), or y + residual.
  func forward(adding residual: Tensor?, isRectified: Bool, into sum: Tensor) {
    guard bottom[0].count > 0 else { return }
    let order = order(adding: residual)
    let input = kept.take(bottom[0].data).readBytes(in: order.layout)
    if usesKeptStatistics { readStatistics() }
    kernel(order, isRectified: isRectified).forward(
      input, adding: residual?.readBytes(in: order.layout),
      into: sum.overwriteBytes(in: order.layout))
    if !usesKeptStatistics { updateStatistics() }
  }

  private func kernel(_ order: ChannelOrder, isRectified: Bool) -> BatchNormKernel {
    BatchNormKernel(
      order.extents, epsilon: eps,
      statistics: .init(
        mean: mean.update(), variance: variance.update(), areGiven: usesKeptStatistics),
      scale: factors?.scale.data.read(), shift: factors?.shift?.data.read(),
      isRectified: isRectified, isRounded: order.isRounded, workspace: &workspace)
  }

  /// The BatchNorm that, alone or with its Scale, writes a blob last and is not worked into a convolution.
  static func last(of makers: [Neighbour]) -> BatchNormLayer? {
    let last = makers.last?.layer
    guard let norm = (last as? BatchNormLayer) ?? (last?.host(of: .forward) as? BatchNormLayer),
      norm.fusions.isEmpty || norm.isRunFromAbove, !norm.isRectified,
      norm.lossWeights[0] == 0, last?.lossWeights[0] == 0
    else { return nil }
    return norm
  }

  /// Makes filters and biases of a convolution that give what this layer, and a Scale with `factors`,
  /// make of one with the filters `[c, …]` and biases `[c]`.
  func normalize(
    filters: Tensor, biases: Tensor?, factors: ScaleLayer.Factors?,
    into normalFilters: Tensor, _ normalBiases: Tensor
  ) {
    let channels = plain.channels
    func kernel(_ inner: Int, shift: UnsafePointer<Float>?) -> BatchNormKernel {
      BatchNormKernel(
        ChannelExtents(outer: 1, channels: channels, inner: inner), epsilon: eps,
        statistics: .init(mean: mean.update(), variance: variance.update(), areGiven: true),
        scale: factors?.scale.data.read(), shift: shift, workspace: &workspace)
    }
    readStatistics()
    let bias = normalBiases.overwrite()
    if let biases {
      bias.update(from: biases.read(), count: channels)
    } else {
      Vector.fill(bias, with: 0, count: channels)
    }
    kernel(1, shift: factors?.shift?.data.read()).forward(bias, into: bias)
    Vector.fill(mean.overwrite(), with: 0, count: channels)
    kernel(filters.count / channels, shift: nil).forward(
      filters.read(), into: normalFilters.overwrite())
  }

  private func readStatistics() {
    let divisor = parameters[2].data.read()[0]
    let share = divisor == 0 ? 0 : 1 / divisor
    for (sum, average) in zip(parameters, [mean, variance]) {
      Vector.scale(
        sum.data.read(), by: share, count: plain.channels, into: average.overwrite())
    }
  }

  private func updateStatistics() {
    let population = Float(plain.population)
    let unbiased = population > 1 ? population / (population - 1) : 1
    let divisor = parameters[2].data.update()
    divisor[0] = fraction * divisor[0] + 1
    let batches: [(Tensor, Float)] = [(mean, 1), (variance, unbiased)]
    for (sum, (batch, weight)) in zip(parameters, batches) {
      let kept = sum.data.update()
      Vector.combine(
        weight, batch.read(), fraction, kept, count: plain.channels, into: kept)
    }
  }

  override func backward(propagateDown: [Bool]) throws {
    defer { kept.release() }
    guard propagateDown[0], bottom[0].count > 0 else { return }
    let (gradient, input) = (top[0].diff, kept.values(of: bottom[0].data))
    let order = ChannelOrder(of: gradient, plain: plain, inPrecisionOf: input)
    let (gradientValues, inputValues) = (
      gradient.readBytes(in: order.layout), input.readBytes(in: order.layout)
    )
    kernel(order, isRectified: isRectified).backward(
      gradientValues, input: inputValues, into: bottom[0].diff.overwriteBytes(in: order.layout),
      scaleGradient: factors?.scaleGradient, shiftGradient: factors?.shiftGradient)
  }

  /// As `backward` for the gradient `sum` ← sum + other: where `output` is positive, if it is given.
  func backward(joining other: Tensor?, to sum: Tensor, where output: Tensor?) {
    defer { kept.release() }
    guard bottom[0].count > 0 else { return }
    let input = kept.values(of: bottom[0].data)
    let order = ChannelOrder(of: sum, plain: plain, inPrecisionOf: input)
    let inputValues = input.readBytes(in: order.layout)
    let (otherValues, outputValues) = (
      other?.readBytes(in: order.layout), output?.readBytes(in: order.layout)
    )
    kernel(order, isRectified: false).backward(
      joining: otherValues, to: sum.updateBytes(in: order.layout), where: outputValues,
      input: inputValues, into: placeOfGradient(in: order),
      scaleGradient: factors?.scaleGradient, shiftGradient: factors?.shiftGradient)
  }

  /// That of the input, if this layer alone has it: the processor has it at hand.
  private func placeOfGradient(in order: ChannelOrder) -> UnsafeMutableRawPointer {
    let target = bottom[0].diff
    return kept.give(to: target)
      ? target.updateBytes(in: order.layout) : target.overwriteBytes(in: order.layout)
  }
}
