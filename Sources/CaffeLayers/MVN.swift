import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Mean-variance normalisation: subtracts the mean of each channel of each image and, unless
/// `normalize_variance: false`, divides by its standard deviation plus `eps`.
///
/// - Bottom: `[n, c, …]`; top: the same, in place or not. With `across_channels` an image is
///   normalised as a whole.
///
/// The gradient takes `eps` for 0 beside the deviation, as Caffe's does.
///
/// Source: BVLC Caffe, `mvn_layer.cpp`.
final class MVNLayer: Layer {
  static let kind = LayerKind(
    "MVN", bottoms: .exactly(1), tops: .exactly(1), runsInPlace: true,
    outputUse: LayerKind.always(.values),
    documentation: LayerDocumentation(
      "Subtracts the mean of each channel of each image and divides by the standard deviation",
      formula: "y = (x - mean) / (sqrt(variance) + eps)", parameterFields: ["mvn_param"],
      source: "mvn_layer.cpp")
  ) { try MVNLayer($0, context: $1) }

  private let dividesByDeviation: Bool
  private let isAcrossChannels: Bool
  private let eps: Float
  private var kernel = NormalizationKernel(ChannelExtents())
  /// Mean, variance and 1 / (√variance + eps) of each row of the last forward pass.
  private let mean = Tensor([0])
  private let variance = Tensor([0])
  private let factor = Tensor([0])

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let mvn = parameter.mvnParam
    dividesByDeviation = mvn.normalizeVariance
    isAcrossChannels = mvn.acrossChannels
    eps = mvn.eps
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    guard bottoms[0].axes >= 1 else {
      throw CaffeError("the bottom must have at least 1 axis, [n, c, …], got a scalar")
    }
    return bottoms
  }

  override func reshape() throws {
    let shape = bottom[0].shape
    let axes = min(isAcrossChannels ? 1 : 2, shape.axes)
    kernel = NormalizationKernel(
      ChannelExtents(channels: shape.count(before: axes), inner: shape.count(from: axes)))
    for tensor in [mean, variance, factor] {
      tensor.reshape(try Shape([kernel.extents.channels]))
    }
  }

  override func forward() throws {
    guard bottom[0].count > 0 else { return }
    let input = bottom[0].data.read()
    kernel.statistics(input, mean: mean.overwrite(), variance: variance.overwrite())
    let factors = factor.overwrite()
    if dividesByDeviation {
      Vector.squareRoot(variance.read(), count: kernel.extents.channels, into: factors)
      PowerKernel.forward(
        factors, power: -1, scale: 1, shift: eps, count: kernel.extents.channels, into: factors)
    } else {
      Vector.fill(factors, with: 1, count: kernel.extents.channels)
    }
    kernel.normalize(input, mean: mean.read(), factor: factors, into: top[0].data.overwrite())
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0], bottom[0].count > 0 else { return }
    let gradient = top[0].diff.read()
    let target = bottom[0].diff.overwrite()
    if dividesByDeviation {
      kernel.backward(
        gradient, output: top[0].data.read(), factor: factor.read(), into: target)
    } else {
      kernel.backwardOfMean(gradient, into: target)
    }
  }
}
