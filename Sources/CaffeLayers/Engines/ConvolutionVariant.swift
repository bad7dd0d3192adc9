import CaffeCore
import CaffeErrors
import CaffeKernels

/// One way in which oneDNN may run a convolution: on which algorithm, its bottom in which order.
struct ConvolutionVariant {
  let name: String
  let algorithm: OneDNNConvolution.Algorithm
  /// `nil` for what the built-in rules say.
  let input: LayoutRequest?

  /// What the rules say: the order of the bottom or, where that is plain, the order a chain of layers
  /// should keep.
  static let ruled = ConvolutionVariant(name: "rule", algorithm: .automatic, input: nil)

  /// All that could be worth a trial, `ruled` first. Another order than the bottom's costs conversions.
  static func all(for geometry: ConvolutionGeometry) -> [ConvolutionVariant] {
    let orders: [(String, LayoutRequest?)] = [
      ("", nil), (", blocks", .any), (", channels last", .channelsLast),
    ]
    let algorithms: [(String, OneDNNConvolution.Algorithm)] =
      geometry.admitsWinograd
      ? [("direct", .direct), ("winograd", .winograd)] : [("direct", .direct)]
    return [ruled]
      + algorithms.flatMap { name, algorithm in
        orders.map {
          ConvolutionVariant(name: name + $0.0, algorithm: algorithm, input: $0.1)
        }
      }
  }
}

extension ConvolutionVariant {
  /// The fastest variant, as measured now or once before; the rules' where nothing measures.
  ///
  /// - Parameters:
  ///   - order: the order in which the bottom comes; `nil` for plain.
  ///   - make: the operation as the layer would make it, for a geometry of perhaps fewer items.
  static func fastest(
    _ choices: SpeedChoices?, geometry: ConvolutionGeometry, setting: String,
    gradients: WeightedGradients, order: (any PackedLayout)?,
    make:
      @escaping (
        ConvolutionGeometry, ConvolutionVariant, _ order: (any PackedLayout)?
      ) throws -> OneDNNConvolutionOperation
  ) throws -> ConvolutionVariant {
    guard let choices else { return ruled }
    let sample = try geometry.sample(mostMultiplyAdds: 300_000_000)
    let sampleOrder = order?.resized(to: [sample.batch, sample.inputChannels] + sample.input)
    guard order == nil || sampleOrder != nil else { return ruled }
    let variants = all(for: sample)
    let candidates = variants.map { variant in
      SpeedChoices.Candidate(variant.name) {
        try ConvolutionTrial(
          try make(sample, variant, sampleOrder), sample, gradients: gradients, order: sampleOrder
        ).run
      }
    }
    let passes = gradients.isEmpty ? "forward" : gradients.contains(.input) ? "all" : "no input"
    let key =
      "convolution \(sample.text) \(setting) \(passes) from \(order?.orderName ?? "plain")"
    let name = try choices.fastest(of: candidates, for: key)
    return variants.first { $0.name == name } ?? ruled
  }
}

extension ConvolutionGeometry {
  /// The same convolution of as many items as take a moment, at least two.
  fileprivate func sample(mostMultiplyAdds most: Int) throws -> ConvolutionGeometry {
    let items = max(2, most / max(1, multiplyAdds / batch))
    return try ConvolutionGeometry(
      batch: min(batch, items), inputChannels: inputChannels, outputChannels: outputChannels,
      groups: groups, input: input, kernel: kernel, stride: stride, pad: pad, dilation: dilation)
  }
}

/// A convolution as a net uses it, on blobs of its own: all passes, and the conversions to and from the
/// bottom's order.
private final class ConvolutionTrial {
  private let operation: OneDNNConvolutionOperation
  private let gradients: WeightedGradients
  private let order: (any PackedLayout)?
  private let bottom: Blob
  private let top: Blob
  private let weights: Blob
  private let bias: Blob

  init(
    _ operation: OneDNNConvolutionOperation, _ geometry: ConvolutionGeometry,
    gradients: WeightedGradients, order: (any PackedLayout)?
  ) throws {
    self.operation = operation
    self.gradients = gradients
    self.order = order
    let g = geometry
    bottom = Blob("bottom", try Shape([g.batch, g.inputChannels] + g.input))
    top = Blob("top", try Shape([g.batch, g.outputChannels] + g.output))
    weights = Blob("weights", try Shape([g.outputChannels, g.inputChannels / g.groups] + g.kernel))
    bias = Blob("bias", try Shape([g.outputChannels]))
    // Memory that nobody has written to is all one page, which is faster than real memory.
    bottom.data.fill(in: order)
    top.diff.fill(in: operation.outputOrder)
    weights.data.fill(in: nil)
  }

  func run() {
    // As the layers around would leave them.
    _ = bottom.data.update(in: order)
    if !gradients.isEmpty { _ = weights.data.update() }
    operation.forward(bottom.data, weights: weights.data, bias: bias.data, into: top.data)
    guard !gradients.isEmpty else { return }
    _ = top.diff.update(in: operation.outputOrder)
    operation.backwardWeights(
      bottom.data, outputGradient: top.diff, addingTo: weights.diff, bias: bias.diff)
    guard gradients.contains(.input) else { return }
    operation.backwardData(top.diff, weights: weights.data, into: bottom.diff)
    _ = bottom.diff.read(in: order)
  }
}
