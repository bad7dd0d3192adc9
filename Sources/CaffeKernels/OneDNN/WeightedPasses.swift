import CaffeKernelsC

/// The gradients a caller of an operation with weights will ask for.
package struct WeightedGradients: OptionSet, Sendable {
  package let rawValue: Int
  package init(rawValue: Int) { self.rawValue = rawValue }
  package static let input = WeightedGradients(rawValue: 1)
  package static let weights = WeightedGradients(rawValue: 2)
}

extension PrimitiveDescriptor {
  /// This forward pass, and those of the gradients that are wanted.
  ///
  /// - Parameter blobs: what the matrices that it multiplies are to its caller, if they are no blobs.
  func passes(
    _ wanted: WeightedGradients, blobs: PointwiseBlobs? = nil, scratchpad: Scratchpad,
    data: @autoclosure () throws -> PrimitiveDescriptor,
    weights: @autoclosure () throws -> any WeightsGradientPass
  ) throws -> (WeightedForward, WeightedBackwardData?, (any WeightsGradientPass)?) {
    let forward = try WeightedForward(self, blobs: blobs, scratchpad: scratchpad)
    return (
      forward,
      wanted.contains(.input)
        ? try WeightedBackwardData(
          data(), sharing: forward, blobs: blobs, scratchpad: scratchpad) : nil,
      wanted.contains(.weights) ? try weights() : nil
    )
  }
}

/// The forward pass of an operation with weights.
package final class WeightedForward {
  package let inputLayout: OneDNNMemoryLayout
  package let outputLayout: OneDNNMemoryLayout
  package let implementation: String
  /// Whether the input is rounded, unless it comes so.
  package var takesRounded: Bool { input.takesRounded }
  /// Bytes of working memory.
  package let scratchByteCount: Int
  /// Whether a copy of the weights serves until their revision changes.
  package var keepsWeights: Bool { !weights.layout.isPlain }
  /// Whether that copy can be turned back into the weights, rounded if they are multiplied so.
  package var givesWeightsBack: Bool { weights.isCopied }
  let weights: PackedWeights
  private let input: OperandReader
  private let primitive: Primitive
  private let scratchpad: Scratchpad
  private let scratch: Scratchpad.Region

  init(
    _ chosen: PrimitiveDescriptor, blobs: PointwiseBlobs?, scratchpad: Scratchpad
  ) throws {
    primitive = try Primitive(chosen, arguments: [.input, .weights, .bias, .output])
    let regions = scratchpad.claim([
      chosen.byteCount(.scratchpad), OperandReader.byteCount(.input, of: chosen),
    ])
    input = OperandReader(
      .input, of: chosen, from: blobs?.input, region: regions[1], of: scratchpad)
    inputLayout = input.layout
    outputLayout = chosen.layout(.output, from: blobs?.output)
    implementation = chosen.implementation
    weights = .ordered(chosen.layout(.weights))
    scratchByteCount = chosen.byteCount(.scratchpad)
    self.scratchpad = scratchpad
    scratch = regions[0]
  }

  /// Copies the weights for runs to come; see `PackedWeights.copy`.
  ///
  /// - Precondition: `keepsWeights`.
  package func takeOver(
    weights plain: UnsafePointer<Float>, revision: Int, then done: (_ values: Range<Int>) -> Void
  ) {
    weights.copy(plain, revision: revision, then: done)
  }

  /// Overwrites `plain` with the weights of the last run.
  ///
  /// - Precondition: `givesWeightsBack`.
  package func giveBack(weights plain: UnsafeMutablePointer<Float>) { weights.unpack(into: plain) }

  /// Overwrites `output`.
  ///
  /// - Parameters:
  ///   - revision: another number for other weights, so that a copy of them can serve again; nil if
  ///     that is not known.
  ///   - bias: ignored if the operation has none.
  package func run(
    _ values: Operand, weights plain: @autoclosure () -> UnsafePointer<Float>,
    revision: Int? = nil, bias: UnsafePointer<Float>?,
    into output: UnsafeMutableRawPointer
  ) {
    primitive.bind(.input, input.read(values))
    primitive.bind(.weights, weights.read(plain(), revision: revision))
    primitive.bind(.bias, bias)
    primitive.bind(.output, output)
    primitive.run(scratchpad: scratchpad.pointer(to: scratch))
  }
}

extension PrimitiveDescriptor {
  /// How the caller gets a result that is a matrix with these rows to the primitive.
  fileprivate func layout(_ result: Argument, from rows: CellRows?) -> OneDNNMemoryLayout {
    let layout = layout(result)
    guard let rows else { return layout }
    return layout.isRounded ? rows.layout.rounded : rows.layout
  }
}

/// The gradient with respect to the bottom.
package final class WeightedBackwardData {
  package let outputGradientLayout: OneDNNMemoryLayout
  package let inputGradientLayout: OneDNNMemoryLayout
  package let implementation: String
  /// Bytes of working memory.
  package let scratchByteCount: Int
  private let outputGradient: OperandReader
  private let weights: PackedWeights
  private let primitive: Primitive
  private let scratchpad: Scratchpad
  private let scratch: Scratchpad.Region
  /// Those that have a gradient, if not all have, and where the primitive writes it.
  private let cells: (cells: ck_cells, gradient: Scratchpad.Region)?

  init(
    _ chosen: PrimitiveDescriptor, sharing forward: WeightedForward, blobs: PointwiseBlobs?,
    scratchpad: Scratchpad
  ) throws {
    primitive = try Primitive(chosen, arguments: [.inputGradient, .weights, .outputGradient])
    let cells = blobs?.input.cells
    let regions = scratchpad.claim([
      chosen.byteCount(.scratchpad), OperandReader.byteCount(.outputGradient, of: chosen),
      cells == nil ? 0 : chosen.byteCount(.inputGradient),
    ])
    self.cells = cells.map { ($0, regions[2]) }
    outputGradient = OperandReader(
      .outputGradient, of: chosen, from: blobs?.output, region: regions[1], of: scratchpad)
    outputGradientLayout = outputGradient.layout
    inputGradientLayout = chosen.layout(.inputGradient, from: blobs?.input)
    implementation = chosen.implementation
    scratchByteCount = chosen.byteCount(.scratchpad)
    weights = .ordered(chosen.layout(.weights), sharing: forward.weights)
    self.scratchpad = scratchpad
    scratch = regions[0]
  }

  /// Whether the output's gradient is rounded, unless it comes so.
  package var takesRounded: Bool { outputGradient.takesRounded }

  /// Overwrites `inputGradient`.
  ///
  /// - Parameter revision: that of the weights, as for the forward pass.
  package func run(
    _ values: Operand, weights plain: UnsafePointer<Float>, revision: Int? = nil,
    into inputGradient: UnsafeMutableRawPointer
  ) {
    let rows = cells.flatMap { scratchpad.pointer(to: $0.gradient) }
    primitive.bind(.outputGradient, outputGradient.read(values))
    primitive.bind(.weights, weights.read(plain, revision: revision))
    primitive.bind(.inputGradient, rows ?? inputGradient)
    primitive.run(scratchpad: scratchpad.pointer(to: scratch))
    if var cells = cells?.cells, let rows {
      ck_spread_cells(&cells, rows, inputGradientLayout.isRounded, inputGradient)
    }
  }
}

/// The gradients with respect to the weights and the bias.
package protocol WeightsGradientPass: AnyObject {
  var inputLayout: OneDNNMemoryLayout { get }
  var outputGradientLayout: OneDNNMemoryLayout { get }
  var implementation: String { get }
  /// Whether input and output's gradient are rounded, unless they come so.
  var takesRounded: Bool { get }

  /// Adds to the gradients.
  ///
  /// - Parameters:
  ///   - weightsGradient: nil if nobody wants it.
  ///   - biasGradient: nil if there is no bias, or nobody wants it.
  func run(
    _ input: Operand, outputGradient: Operand, into weightsGradient: GradientSum?,
    biasGradient: GradientSum?)
}

/// The primitive that computes both.
final class WeightedBackwardWeights: WeightsGradientPass {
  let inputLayout: OneDNNMemoryLayout
  let outputGradientLayout: OneDNNMemoryLayout
  let implementation: String
  private let input: OperandReader
  private let outputGradient: OperandReader
  private let primitive: Primitive
  private let scratchpad: Scratchpad
  private let scratch: Scratchpad.Region
  private let weights: GradientAccumulator
  private let bias: GradientAccumulator?

  init(_ chosen: PrimitiveDescriptor, scratchpad: Scratchpad) throws {
    primitive = try Primitive(
      chosen, arguments: [.input, .weightsGradient, .biasGradient, .outputGradient])
    implementation = chosen.implementation
    let regions = scratchpad.claim(
      [.scratchpad, .weightsGradient, .biasGradient].map(chosen.byteCount)
        + [.input, .outputGradient].map { OperandReader.byteCount($0, of: chosen) })
    input = OperandReader(.input, of: chosen, region: regions[3], of: scratchpad)
    outputGradient = OperandReader(
      .outputGradient, of: chosen, region: regions[4], of: scratchpad)
    inputLayout = input.layout
    outputGradientLayout = outputGradient.layout
    self.scratchpad = scratchpad
    scratch = regions[0]
    weights = try GradientAccumulator(
      layout: chosen.layout(.weightsGradient), region: regions[1], of: scratchpad)
    bias = try chosen.memory(.biasGradient).map {
      try GradientAccumulator(
        layout: OneDNNMemoryLayout($0), region: regions[2], of: scratchpad)
    }
  }

  var takesRounded: Bool { outputGradient.takesRounded }

  func run(
    _ inputValues: Operand, outputGradient values: Operand, into weightsGradient: GradientSum?,
    biasGradient: GradientSum?
  ) {
    primitive.bind(.input, input.read(inputValues))
    primitive.bind(.outputGradient, outputGradient.read(values))
    primitive.bind(.weightsGradient, weights.target(for: weightsGradient))
    primitive.bind(.biasGradient, bias?.target(for: biasGradient))
    primitive.run(scratchpad: scratchpad.pointer(to: scratch))
    weights.add(to: weightsGradient)
    bias?.add(to: biasGradient)
  }
}
