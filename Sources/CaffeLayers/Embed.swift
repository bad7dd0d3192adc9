import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Looks up a learned vector for each index: an InnerProduct for one-hot vectors.
///
/// - Bottom: any shape, whole numbers of `0..<input_dim`, no gradient; top: the same shape followed
///   by `num_output`.
/// - Learns: W `[input_dim, num_output]` and, unless `bias_term: false`, b `[num_output]`.
///
/// Source: BVLC Caffe, `embed_layer.cpp`.
final class EmbedLayer: Layer {
  static let kind = LayerKind(
    "Embed", bottoms: .exactly(1), tops: .exactly(1), labels: [0],
    documentation: LayerDocumentation(
      "Looks up a learned vector for each index", formula: "y[i] = W[x[i]] + b",
      parameterFields: ["embed_param"], source: "embed_layer.cpp")
  ) { try EmbedLayer($0, context: $1) }

  private let inputs: Int
  private let outputs: Int
  private let hasBias: Bool
  private var repeats: RepeatedRows?

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let embed = parameter.embedParam
    guard embed.numOutput > 0 else {
      throw CaffeError("num_output must be positive, got \(embed.numOutput)")
    }
    guard embed.inputDim > 0 else {
      throw CaffeError("input_dim must be positive, got \(embed.inputDim)")
    }
    inputs = embed.inputDim
    outputs = embed.numOutput
    hasBias = embed.biasTerm
    try super.init(parameter, context: context)
  }

  override func parameterDeclarations(for bottoms: [Shape]) throws -> [ParameterDeclaration] {
    let embed = parameter.embedParam
    let weights = ParameterDeclaration(
      shape: try Shape([inputs, outputs]), filler: embed.weightFiller)
    guard hasBias else { return [weights] }
    return [
      weights, ParameterDeclaration(shape: try Shape([outputs]), filler: embed.biasFiller),
    ]
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    [try Shape(bottoms[0].dimensions + [outputs])]
  }

  override func reshape() throws {
    guard repeats != nil else { return }
    repeats = nil
    _ = notedRepeats()
  }

  /// Which rows of the top are the same: noted in each pass once a layer above has asked for it.
  func notedRepeats() -> RepeatedRows {
    let repeats = self.repeats ?? RepeatedRows(rows: bottom[0].count, words: inputs)
    self.repeats = repeats
    return repeats
  }

  override func forward() throws {
    let count = bottom[0].count
    let indices = bottom[0].data.read()
    try IndexCheck.range(indices, count: count, limit: inputs, called: "input_dim")
    repeats?.note(indices)
    LookupKernel.gather(
      parameters[0].data.read(), indices: indices, count: count, width: outputs,
      bias: hasBias ? parameters[1].data.read() : nil, into: top[0].data.overwrite())
  }

  override func backward(propagateDown: [Bool]) throws {
    let count = bottom[0].count
    let gradient = top[0].diff.read()
    if learns[0] {
      LookupKernel.scatterAdd(
        gradient, indices: bottom[0].data.read(), count: count, rows: inputs, width: outputs,
        into: parameters[0].diff.update())
    }
    if hasBias && learns[1] {
      ChannelKernel.addSums(
        gradient, over: ChannelExtents(outer: count, channels: outputs),
        into: parameters[1].diff.update())
    }
  }
}
