import CaffeCore
import CaffeErrors
import CaffeKernels

/// A convolution that a layer asks for, whichever code will run it.
struct ConvolutionRequest {
  var geometry: ConvolutionGeometry
  let hasBias: Bool
  var precision: Precision
  /// The results that come rounded where the code multiplies bfloat16: the top for a layer that takes it so,
  /// the bottom's gradient for the one that made a rounded bottom.
  let rounded: RoundedResults
  var fused: FusedStep
  let gradients: WeightedGradients
  /// The order in which the bottom comes; `nil` for plain.
  var bottom: (any PackedLayout)?
  /// The engine ONEDNN was asked for, so that no other code will do.
  let isOneDNNWanted: Bool
}

/// One way in which a convolution may run: by which code, its bottom in which order.
struct ConvolutionVariant {
  private enum Code {
    case ruled
    /// - Parameter input: the order of the bottom; `nil` for what the built-in rules say.
    case oneDNN(OneDNNConvolution.Algorithm, input: LayoutRequest?)
    /// Our loops on transformed tiles, which multiply float32.
    case tiles
    /// What the rules say for float32.
    case exact
  }

  let name: String
  private let code: Code
  /// Of the rule's time, see `SpeedChoices.Candidate`. Where bfloat16 is left, the order is too: the layers
  /// above would pay for both, and so stay in float32 one after the other.
  private var share: Double { if case .exact = code { 0.8 } else { 0.95 } }

  /// What the rules say: oneDNN with the bottom in the order it has or, where that is plain, in the order
  /// a chain of layers should keep; our tiles where oneDNN has none that would pay.
  static let ruled = ConvolutionVariant(name: "rule", code: .ruled)
  private static let tiles = ConvolutionVariant(name: "CAFFE winograd", code: .tiles)
  private static let exact = ConvolutionVariant(name: "FLOAT32", code: .exact)

  /// All that could be worth a trial, `ruled` first: the other order, which costs conversions where the
  /// bottom has one, the other algorithms and, in lower precision, float32.
  static func all(for request: ConvolutionRequest) -> [ConvolutionVariant] {
    let geometry = request.geometry
    let isChannelsLast =
      if let order = request.bottom { (order as? OneDNNMemoryLayout)?.isChannelsLast ?? false } else
      {
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
        code: .oneDNN(algorithm.1, input: order?.1))
    }
    var variants = [ruled, variant(usual, (otherName, other))]
    // Winograd multiplies float32 only.
    let isExact = request.precision == .float32
    if !isExact {
      variants.append(exact)
    } else if geometry.admitsWinograd {
      variants += [variant(unusual, nil), variant(unusual, (otherName, other))]
    }
    if geometry.tilesMayPay, !request.isOneDNNWanted {
      // The rule may be our tiles where oneDNN has none.
      variants += (!isExact || geometry.admitsWinograd ? [] : [variant(direct, nil)]) + [tiles]
    }
    return variants
  }

  /// - Throws: `EngineRefusal` for a geometry that does not run in this way.
  func operation(
    for request: ConvolutionRequest, scratchpad: Scratchpad
  ) throws -> any PackedConvolutionOperation {
    func oneDNN(
      _ algorithm: OneDNNConvolution.Algorithm, _ input: LayoutRequest?
    ) throws -> OneDNNConvolutionOperation {
      try OneDNNConvolutionOperation(
        request.geometry, algorithm: algorithm, input: input, hasBias: request.hasBias,
        precision: request.precision, rounded: request.rounded, fused: request.fused,
        gradients: request.gradients, bottom: request.bottom as? OneDNNMemoryLayout,
        scratchpad: scratchpad)
    }
    func tiles() throws -> WinogradConvolutionOperation {
      try WinogradConvolutionOperation(
        request.geometry, fused: request.fused, gradients: request.gradients,
        bottom: request.bottom, scratchpad: scratchpad)
    }
    switch code {
    case .oneDNN(let algorithm, let input): return try oneDNN(algorithm, input)
    case .tiles: return try tiles()
    case .exact:
      var exact = request
      exact.precision = .float32
      return try Self.ruled.operation(for: exact, scratchpad: scratchpad)
    case .ruled:
      guard request.geometry.tilesPay, request.precision == .float32, !request.isOneDNNWanted else {
        return try oneDNN(.automatic, nil)
      }
      if request.geometry.admitsWinograd {
        let operation = try oneDNN(.automatic, nil)
        if operation.isWinograd { return operation }
      }
      do { return try tiles() } catch is EngineRefusal { return try oneDNN(.automatic, nil) }
    }
  }
}

extension ConvolutionVariant {
  /// The fastest variant, as measured now or once before; the rules' where nothing measures.
  static func fastest(
    _ choices: SpeedChoices?, for request: ConvolutionRequest
  ) throws -> ConvolutionVariant {
    let geometry = request.geometry
    guard let choices, geometry.batch > 0 else { return ruled }
    var sample = request
    sample.geometry = try geometry.sample(mostMultiplyAdds: 2_000_000_000)
    sample.bottom = request.bottom?.resized(
      to: [sample.geometry.batch, geometry.inputChannels] + geometry.input)
    guard request.bottom == nil || sample.bottom != nil else { return ruled }
    let variants = all(for: sample)
    let scratchpad = Scratchpad()
    var known: (operation: any PackedConvolutionOperation, blobs: ConvolutionTrialBlobs)?
    func usual() throws -> (operation: any PackedConvolutionOperation, blobs: ConvolutionTrialBlobs)
    {
      let usual =
        try known ?? (
          ruled.operation(for: sample, scratchpad: scratchpad),
          ConvolutionTrialBlobs(sample.geometry)
        )
      known = usual
      return usual
    }
    let candidates = variants.map { variant in
      SpeedChoices.Candidate(variant.name, share: variant.share) { [sample] in
        let (usual, blobs) = try usual()
        var operation = usual
        if variant.name != ruled.name {
          operation = try variant.operation(for: sample, scratchpad: scratchpad)
          if operation.implementation == usual.implementation,
            operation.outputOrder.isEqual(to: usual.outputOrder)
          {
            throw EngineRefusal("it is what the rule has chosen")
          }
        }
        return ConvolutionTrial(
          operation: operation, gradients: sample.gradients,
          order: sample.rounded.contains(.inputGradient) ? sample.bottom?.rounded : sample.bottom,
          topOrder: usual.outputOrder, blobs: blobs)
      }
    }
    let name = try choices.fastest(
      of: candidates, for: request.key(sample: sample.geometry))
    return variants.first { $0.name == name } ?? ruled
  }
}

extension ConvolutionRequest {
  /// All that the speed depends on.
  fileprivate func key(sample: ConvolutionGeometry) -> String {
    let passes =
      switch gradients {
      case []: "forward"
      case .weights: "no input"
      case .input: "no weights"
      default: "all"
      }
    let isRectified = if case .relu = fused { true } else { false }
    let settings = [
      hasBias ? "bias" : "no bias", isRectified ? "ReLU" : nil,
      precision == .float32 ? nil : "BF16", rounded.contains(.output) ? "to BF16" : nil,
      rounded.contains(.inputGradient) ? "from BF16" : nil, isOneDNNWanted ? "ONEDNN" : nil,
    ]
    let setting = settings.compactMap { $0 }.joined(separator: " ")
    return
      "convolution \(sample.text) \(setting) \(passes) from \(bottom?.orderName ?? "plain")"
  }
}

extension ConvolutionGeometry {
  /// The same convolution of as many items as take a moment, at least two.
  fileprivate func sample(mostMultiplyAdds most: Int) throws -> ConvolutionGeometry {
    try ofItems(min(batch, max(2, most / max(1, multiplyAdds / batch))))
  }
}
