import CaffeCore
import CaffeErrors
import CaffeKernels

/// Both passes of a local response normalisation on one engine, for one shape.
protocol LRNOperation {
  /// Overwrites `output`.
  func forward(_ input: Tensor, into output: Tensor)
  /// Overwrites `inputGradient`; `input` and `output` are those of the last `forward`.
  func backward(_ gradient: Tensor, input: Tensor, output: Tensor, into inputGradient: Tensor)
}

/// C loops in plain order, over the channels around each one or over a window of the channel itself.
struct CaffeLRNOperation: LRNOperation {
  private enum Region {
    case across(LRNAcrossChannels)
    case within(LRNWithinChannel)
  }

  private let region: Region
  private let scale: Tensor

  init(across settings: OneDNNLRN.Parameters, shape: Shape) {
    region = .across(
      LRNAcrossChannels(
        batch: shape[0], channels: shape[1], size: shape.count(from: 2),
        localSize: settings.localSize, alpha: settings.alpha, beta: settings.beta, k: settings.k))
    scale = Tensor(shape)
  }

  init(within settings: OneDNNLRN.Parameters, shape: Shape) throws {
    region = .within(
      try LRNWithinChannel(
        batch: shape[0], channels: shape[1], input: Array(shape.dimensions[2...]),
        localSize: settings.localSize, alpha: settings.alpha, beta: settings.beta))
    scale = Tensor(shape)
  }

  func forward(_ input: Tensor, into output: Tensor) {
    let (input, scale, output) = (input.read(), scale.overwrite(), output.overwrite())
    switch region {
    case .across(let lrn): lrn.forward(input, scale: scale, into: output)
    case .within(let lrn): lrn.forward(input, scale: scale, into: output)
    }
  }

  func backward(_ gradient: Tensor, input: Tensor, output: Tensor, into inputGradient: Tensor) {
    let (gradient, input, output) = (gradient.read(), input.read(), output.read())
    let (scale, target) = (scale.read(), inputGradient.overwrite())
    switch region {
    case .across(let lrn):
      lrn.backward(gradient, input: input, output: output, scale: scale, into: target)
    case .within(let lrn):
      lrn.backward(gradient, input: input, output: output, scale: scale, into: target)
    }
  }
}

/// C loops in the packed order that the bottom has, across channels.
struct PackedLRNOperation: LRNOperation {
  private let lrn: PackedLRN
  /// Of bottom and top.
  let order: any PackedLayout

  /// `nil` for a bottom that these loops do not take.
  init?(_ settings: OneDNNLRN.Parameters, bottom: Tensor) {
    guard let order = bottom.layout, let runs = order.channelRuns,
      let lrn = PackedLRN(
        bottom.shape.dimensions, runs: runs, localSize: settings.localSize, alpha: settings.alpha,
        beta: settings.beta, k: settings.k)
    else { return nil }
    self.lrn = lrn
    self.order = order
  }

  func forward(_ input: Tensor, into output: Tensor) {
    lrn.forward(input.read(in: order), into: output.overwrite(in: order))
  }

  func backward(_ gradient: Tensor, input: Tensor, output: Tensor, into inputGradient: Tensor) {
    lrn.backward(
      gradient.read(in: order), input: input.read(in: order),
      into: inputGradient.overwrite(in: order))
  }
}

/// oneDNN, in the packed order that the bottom has.
struct OneDNNLRNOperation: LRNOperation {
  private let lrn: OneDNNLRN

  /// - Parameter isNamed: the prototxt asks for this engine, so a plain bottom is taken as it is.
  /// - Throws: `EngineRefusal` for an order that oneDNN has no fast code for.
  init(
    _ settings: OneDNNLRN.Parameters, isTrained: Bool, bottom: Tensor, isNamed: Bool,
    scratchpad: Scratchpad
  ) throws {
    var order = bottom.layout as? OneDNNMemoryLayout
    if order == nil && isNamed { order = try .plain(bottom.shape.dimensions) }
    guard let order else {
      throw EngineRefusal("the bottom is in plain order, where its normalisation is slow")
    }
    lrn = try OneDNNLRN(settings, training: isTrained, layout: order, scratchpad: scratchpad)
  }

  var implementation: String { lrn.implementation }

  /// The order the output will have.
  var outputOrder: any PackedLayout { lrn.layout }

  func forward(_ input: Tensor, into output: Tensor) {
    lrn.forward(input.read(as: lrn.layout), into: output.overwrite(as: lrn.layout))
  }

  func backward(_ gradient: Tensor, input: Tensor, output: Tensor, into inputGradient: Tensor) {
    lrn.backward(
      gradient.read(as: lrn.layout), input: input.read(as: lrn.layout),
      into: inputGradient.overwrite(as: lrn.layout))
  }
}
