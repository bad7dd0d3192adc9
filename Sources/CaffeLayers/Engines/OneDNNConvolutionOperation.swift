import CaffeCore
import CaffeErrors
import CaffeKernels

/// oneDNN, in the orders that are fastest for the geometry and the layers around it.
///
/// A batch that would need much working memory at once (Winograd's tiles) is worked through in parts:
/// GoogLeNet takes no longer, VGG-16 4 %.
struct OneDNNConvolutionOperation: PackedConvolutionOperation {
  /// Bytes of working memory beyond which a batch is parted.
  private static let mostScratch = 64 << 20

  /// Of one part.
  private let convolution: OneDNNConvolution
  /// The forward pass where items are not written side by side.
  private var itemwise: ItemwiseConvolution?
  private let makeItemwise: () throws -> ItemwiseConvolution
  private let parts: Int
  private let orders: ConvolutionOrders
  private let fused: FusedStep

  /// - Parameters:
  ///   - wanted: the order for the input; nil for what the built-in rules say.
  ///   - bottom: the order in which the input will come; nil if any will do.
  /// - Throws: `EngineRefusal` for a geometry that oneDNN does not take, or not in this variant.
  init(
    _ geometry: ConvolutionGeometry, algorithm: OneDNNConvolution.Algorithm = .automatic,
    input wanted: LayoutRequest? = nil, hasBias: Bool,
    precision: Precision, rounded: RoundedResults = [], fused: FusedStep,
    gradients: WeightedGradients,
    bottom: OneDNNMemoryLayout?, scratchpad: Scratchpad
  ) throws {
    func make(
      _ algorithm: OneDNNConvolution.Algorithm, _ input: LayoutRequest, items: Int
    ) throws -> OneDNNConvolution {
      try OneDNNConvolution(
        geometry.ofItems(items), hasBias: hasBias, precision: precision, rounded: rounded,
        fused: fused, algorithm: algorithm,
        gradients: gradients, input: input, scratchpad: scratchpad)
    }
    func makeWhole() throws -> OneDNNConvolution {
      if let wanted { return try make(algorithm, wanted, items: geometry.batch) }
      do {
        let input = bottom.map(LayoutRequest.same) ?? geometry.preferredOrder
        return try make(algorithm, input, items: geometry.batch)
      } catch is EngineRefusal {
        // Not in this order, then: converting the bottom is cheaper than leaving oneDNN.
        return try make(algorithm, .any, items: geometry.batch)
      }
    }
    var (convolution, items) = (try makeWhole(), geometry.batch)
    var orders = ConvolutionOrders(convolution)
    let chosen: OneDNNConvolution.Algorithm = convolution.isWinograd ? .winograd : .direct
    while convolution.scratchByteCount > Self.mostScratch, items % 2 == 0,
      let input = orders.input.ofItems(items / 2)
    {
      do {
        let half = try make(chosen, .same(input), items: items / 2)
        orders = try ConvolutionOrders(half).ofItems(geometry.batch)
        (convolution, items) = (half, items / 2)
      } catch is EngineRefusal {
        break
      }
    }
    self.convolution = convolution
    self.fused = fused
    self.orders = orders
    parts = items == 0 ? 1 : geometry.batch / items
    makeItemwise = { [convolution, parts] in
      guard parts == 1, !convolution.isWinograd, precision == .float32 else {
        throw EngineRefusal("only its direct code in float32 writes items apart")
      }
      return try ItemwiseConvolution(
        geometry, hasBias: hasBias, fused: fused, whole: convolution.forward,
        scratchpad: scratchpad)
    }
  }

  func joining() throws -> OneDNNConvolutionOperation {
    var copy = self
    // A single item has no other to lie apart from.
    if convolution.geometry.batch > 1 { copy.itemwise = try makeItemwise() }
    return copy
  }

  var implementation: String { convolution.forward.implementation }
  var keepsWeights: Bool { convolution.forward.keepsWeights }
  var givesWeightsBack: Bool { convolution.forward.givesWeightsBack }
  /// Whether it works on transformed tiles.
  var isWinograd: Bool { convolution.isWinograd }
  /// oneDNN's name of the code of the input's gradient, if that was asked for.
  var gradientImplementation: String? { convolution.backwardData?.implementation }

  var outputOrder: any PackedLayout { orders.output }

  /// The order the input's gradient will have, nil if it was not asked for.
  var inputGradientOrder: (any PackedLayout)? { orders.data?.inputGradient }

  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into output: Tensor) {
    let source = operand(input, in: orders.input, rounds: convolution.forward.takesRounded)
    let target =
      fused.isSum ? output.update(as: orders.output) : output.overwrite(as: orders.output)
    for part in 0..<parts {
      convolution.forward.run(
        source(part), weights: weights.read(),
        revision: weights.revision, bias: bias?.read(),
        into: target + start(of: part, orders.output))
    }
  }

  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into place: JoinedPlace) {
    let source = input.read(as: orders.input)
    let target = UnsafeMutableRawPointer(place.overwrite())
    if let itemwise {
      itemwise.run(
        source, weights: weights.read(), revision: weights.revision, bias: bias?.read(),
        into: target, stride: place.stride * MemoryLayout<Float>.stride)
    } else {
      convolution.forward.run(
        Operand(source), weights: weights.read(), revision: weights.revision, bias: bias?.read(),
        into: target)
    }
  }

  func giveBack(_ weights: Tensor) { convolution.forward.giveBack(weights: weights.overwrite()) }

  func backwardData(_ outputGradient: Tensor, weights: Tensor, into inputGradient: Tensor) {
    guard let pass = convolution.backwardData, let orders = orders.data else { return }
    let source = operand(outputGradient, in: orders.outputGradient, rounds: pass.takesRounded)
    let target = inputGradient.overwrite(as: orders.inputGradient)
    for part in 0..<parts {
      pass.run(
        source(part), weights: weights.read(), revision: weights.revision,
        into: target + start(of: part, orders.inputGradient))
    }
  }

  func backwardWeights(
    _ input: Tensor, outputGradient: Tensor, addingTo weights: Tensor, bias: Tensor?
  ) {
    guard let pass = convolution.backwardWeights, let orders = orders.weights else { return }
    let source = operand(input, in: orders.input, rounds: pass.takesRounded)
    let gradient = operand(outputGradient, in: orders.outputGradient, rounds: pass.takesRounded)
    for part in 0..<parts {
      pass.run(
        source(part), outputGradient: gradient(part), into: weights.accumulate(),
        biasGradient: bias?.accumulate())
    }
  }

  /// The parts of what a pass reads in an order.
  ///
  /// - Parameter rounds: whether the pass rounds the values, unless they come so.
  private func operand(
    _ tensor: Tensor, in exact: OneDNNMemoryLayout, rounds: Bool
  ) -> (_ part: Int) -> Operand {
    var order = exact
    if rounds, let stored = tensor.storedLayout as? OneDNNMemoryLayout, stored.isRounded {
      order = stored.exact.isEqual(to: exact) ? stored : exact.rounded
    }
    let values = tensor.read(as: order)
    return { Operand(values + start(of: $0, order), isRounded: order.isRounded) }
  }

  /// Where a part begins: items are outermost in every order.
  private func start(of part: Int, _ whole: OneDNNMemoryLayout) -> Int {
    whole.byteCount / parts * part
  }
}

/// The orders of what the passes of a convolution read and write.
private struct ConvolutionOrders {
  let input: OneDNNMemoryLayout
  let output: OneDNNMemoryLayout
  let data: (outputGradient: OneDNNMemoryLayout, inputGradient: OneDNNMemoryLayout)?
  let weights: (input: OneDNNMemoryLayout, outputGradient: OneDNNMemoryLayout)?
}

extension ConvolutionOrders {
  init(_ convolution: OneDNNConvolution) {
    self.init(
      input: convolution.forward.inputLayout, output: convolution.forward.outputLayout,
      data: convolution.backwardData.map { ($0.outputGradientLayout, $0.inputGradientLayout) },
      weights: convolution.backwardWeights.map { ($0.inputLayout, $0.outputGradientLayout) })
  }

  /// The same orders of another number of items.
  ///
  /// - Throws: `EngineRefusal` if one of them has no name.
  func ofItems(_ count: Int) throws -> ConvolutionOrders {
    func order(_ part: OneDNNMemoryLayout) throws -> OneDNNMemoryLayout {
      guard let whole = part.ofItems(count) else {
        throw EngineRefusal("it cannot put batches together in the order \(part)")
      }
      return whole
    }
    return try ConvolutionOrders(
      input: order(input), output: order(output),
      data: data.map { (try order($0.outputGradient), try order($0.inputGradient)) },
      weights: weights.map { (try order($0.input), try order($0.outputGradient)) })
  }
}
