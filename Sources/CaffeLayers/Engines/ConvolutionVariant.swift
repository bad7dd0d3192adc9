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

  /// All that could be worth a trial, `ruled` first: the other order, which costs conversions where the
  /// bottom has one, and the other algorithm.
  ///
  /// - Parameter order: that of the bottom; `nil` for plain.
  static func all(
    for geometry: ConvolutionGeometry, precision: Precision, order: (any PackedLayout)?
  ) -> [ConvolutionVariant] {
    let isChannelsLast =
      if let order { (order as? OneDNNMemoryLayout)?.isChannelsLast ?? false } else {
        geometry.prefersChannelsLast
      }
    let (otherName, other): (String, LayoutRequest) =
      isChannelsLast ? ("blocks", .any) : ("channels last", .channelsLast)
    let direct = ("direct", OneDNNConvolution.Algorithm.direct)
    let winograd = ("winograd", OneDNNConvolution.Algorithm.winograd)
    let (usual, unusual) = geometry.winogradPays ? (winograd, direct) : (direct, winograd)
    func variant(
      _ algorithm: (String, OneDNNConvolution.Algorithm), _ order: (String, LayoutRequest)?
    ) -> ConvolutionVariant {
      ConvolutionVariant(
        name: [algorithm.0, order?.0].compactMap { $0 }.joined(separator: ", "),
        algorithm: algorithm.1, input: order?.1)
    }
    let same = [ruled, variant(usual, (otherName, other))]
    // oneDNN's Winograd multiplies float32 only.
    guard geometry.admitsWinograd, precision == .float32 else { return same }
    return same + [variant(unusual, nil), variant(unusual, (otherName, other))]
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
    precision: Precision, gradients: WeightedGradients, order: (any PackedLayout)?,
    make:
      @escaping (
        ConvolutionGeometry, ConvolutionVariant, _ order: (any PackedLayout)?
      ) throws -> OneDNNConvolutionOperation
  ) throws -> ConvolutionVariant {
    guard let choices, geometry.batch > 0 else { return ruled }
    let sample = try geometry.sample(mostMultiplyAdds: 2_000_000_000)
    let sampleOrder = order?.resized(to: [sample.batch, sample.inputChannels] + sample.input)
    guard order == nil || sampleOrder != nil else { return ruled }
    let variants = all(for: sample, precision: precision, order: sampleOrder)
    var ruledOrder: (any PackedLayout)?
    func topOrder() throws -> any PackedLayout {
      let order = try ruledOrder ?? make(sample, ruled, sampleOrder).outputOrder
      ruledOrder = order
      return order
    }
    let candidates = variants.map { variant in
      SpeedChoices.Candidate(variant.name) {
        try ConvolutionTrial(
          try make(sample, variant, sampleOrder), sample, gradients: gradients, order: sampleOrder,
          topOrder: try topOrder()
        ).run
      }
    }
    let passes = gradients.isEmpty ? "forward" : gradients.contains(.input) ? "all" : "no input"
    let key =
      "convolution \(sample.text) \(setting)\(precision == .float32 ? "" : " BF16") \(passes) from \(order?.orderName ?? "plain")"
    let name = try choices.fastest(of: candidates, for: key)
    return variants.first { $0.name == name } ?? ruled
  }
}

extension ConvolutionGeometry {
  /// The same convolution of as many items as take a moment, at least two.
  fileprivate func sample(mostMultiplyAdds most: Int) throws -> ConvolutionGeometry {
    try ofItems(min(batch, max(2, most / max(1, multiplyAdds / batch))))
  }
}
