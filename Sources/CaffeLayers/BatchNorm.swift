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
    "BatchNorm", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    documentation: LayerDocumentation(
      "Gives each channel mean 0 and variance 1; a Scale layer usually follows",
      formula:
        "y = (x - mean) / sqrt(variance + eps), of the batch in training, of kept averages in testing",
      parameterFields: ["batch_norm_param"], source: "batch_norm_layer.cpp")
  ) { try BatchNormLayer($0, context: $1) }

  private let eps: Float
  private let fraction: Float
  private var plain = ChannelExtents()
  /// Mean, variance and 1 / √(variance + eps) of the last forward pass.
  private let mean = Tensor([0])
  private let variance = Tensor([0])
  private let factor = Tensor([0])
  /// y, for the backward pass: a Scale often follows in place.
  private let output = Tensor([0])

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    eps = parameter.batchNormParam.eps
    fraction = parameter.batchNormParam.movingAverageFraction
    try super.init(parameter, context: context)
  }

  private var usesKeptStatistics: Bool {
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

  override func reshape() throws {
    plain = try channelExtents(of: bottom[0].shape)
    for tensor in [mean, variance, factor] { tensor.reshape(try Shape([plain.channels])) }
    if keepsOutput { output.reshape(bottom[0].shape) }
    if !isInPlace {
      top[0].data.announce(ChannelOrder(of: bottom[0].data, plain: plain).layout)
    }
  }

  private var keepsOutput: Bool { propagateDown[0] && !usesKeptStatistics }

  override func forward() throws {
    guard bottom[0].count > 0 else { return }
    let order = ChannelOrder(of: bottom[0].data, plain: plain)
    let kernel = NormalizationKernel(order.extents)
    let input = bottom[0].data.read(in: order.layout)
    if usesKeptStatistics {
      readStatistics()
    } else {
      kernel.statistics(input, mean: mean.overwrite(), variance: variance.overwrite())
      updateStatistics()
    }
    PowerKernel.forward(
      variance.read(), power: -0.5, scale: 1, shift: eps, count: plain.channels,
      into: factor.overwrite())
    let target = top[0].data.overwrite(in: order.layout)
    kernel.normalize(input, mean: mean.read(), factor: factor.read(), into: target)
    if keepsOutput {
      Vector.copy(
        target, count: output.extent(in: order.layout), into: output.overwrite(in: order.layout))
    }
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
    guard propagateDown[0], bottom[0].count > 0 else { return }
    let order = ChannelOrder(of: top[0].diff, plain: plain)
    let gradient = top[0].diff.read(in: order.layout)
    let target = bottom[0].diff.overwrite(in: order.layout)
    if usesKeptStatistics {
      ChannelKernel.scale(
        gradient, by: factor.read(), over: order.extents, into: target)
    } else {
      NormalizationKernel(order.extents).backward(
        gradient, output: output.read(in: order.layout), factor: factor.read(), into: target)
    }
  }
}
