import COneDNN

/// The forward pass of a convolution for an output whose items lie apart, which oneDNN itself does not
/// write: threads share the items, and run a primitive of one item each.
///
/// It takes as long as one primitive for all items (1x1 windows on 7x7 to 28x28 cells, two threads: 0.93 to
/// 1.05 of the time); a primitive of one item on all threads took up to 1.4 times as long.
package final class ItemwiseConvolution {
  private let items: Int
  /// One for each thread.
  private let primitives: [Primitive]
  /// In bytes, of an item.
  private let inputSize: Int
  private let weights: PackedWeights
  private let scratchpad: Scratchpad
  /// One for each thread.
  private let scratch: [Scratchpad.Region]

  /// - Parameters:
  ///   - fused: is done to the output.
  ///   - whole: the forward pass of all items side by side, whose orders and copy of the weights this has.
  /// - Throws: `EngineRefusal` if oneDNN runs one item in another order, or threads would wait for one
  ///   another.
  package init(
    _ geometry: ConvolutionGeometry, hasBias: Bool, fused: FusedStep, whole: WeightedForward,
    scratchpad: Scratchpad
  ) throws {
    items = geometry.batch
    guard items > 0 else { throw EngineRefusal("there are no items") }
    let threads = min(Threads.count, items)
    let waiting = (threads - items % threads) % threads
    guard 16 * waiting <= items else {
      throw EngineRefusal("\(items) items are not shared evenly by \(threads) threads")
    }
    let descriptors = ConvolutionDescriptors(
      try geometry.ofItems(1), algorithm: dnnl_convolution_direct, hasBias: hasBias,
      precision: .float32)
    guard let input = whole.inputLayout.ofItems(1), let output = whole.outputLayout.ofItems(1)
    else {
      throw EngineRefusal("it cannot part batches in the order \(whole.inputLayout)")
    }
    let (chosen, primitives) = try Threads.serially {
      let chosen = try descriptors.forward(
        input: input.descriptor, output: output.descriptor, attributes: Attributes(fused: fused))
      let list = try (0..<threads).map { _ in
        try Primitive(chosen, arguments: [.input, .weights, .bias, .output])
      }
      return (chosen, list)
    }
    self.primitives = primitives
    inputSize = input.byteCount
    weights = .ordered(chosen.layout(.weights), sharing: whole.weights)
    self.scratchpad = scratchpad
    scratch = scratchpad.claim(primitives.map { _ in chosen.byteCount(.scratchpad) })
  }

  /// Overwrites the items of `output`, which lie `stride` bytes apart; else as `WeightedForward.run`.
  package func run(
    _ values: UnsafeRawPointer, weights plain: @autoclosure () -> UnsafePointer<Float>,
    revision: Int, bias: UnsafePointer<Float>?, into output: UnsafeMutableRawPointer, stride: Int
  ) {
    nonisolated(unsafe) let (values, bias, output) = (values, bias, output)
    nonisolated(unsafe) let weights = weights.read(plain(), revision: revision)
    nonisolated(unsafe) let working = scratch.map { scratchpad.pointer(to: $0) }
    nonisolated(unsafe) let primitives = primitives
    let inputSize = inputSize
    Threads.forEachPart(of: items, in: primitives.count) { part, items in
      let primitive = primitives[part]
      primitive.bind(.weights, weights)
      primitive.bind(.bias, bias)
      for item in items {
        primitive.bind(.input, values + item * inputSize)
        primitive.bind(.output, output + item * stride)
        primitive.run(scratchpad: working[part])
      }
    }
  }
}
