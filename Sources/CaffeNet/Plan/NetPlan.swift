import CaffeCore
import CaffeErrors
import CaffeSchema

/// What a net will be, worked out from its description before any blob has memory: which layers in
/// which order, which blobs, whose parameters are shared, and where gradients flow.
///
/// Each pass is a function in a file of this folder and can be run and tested alone:
///
/// | pass | gives |
/// | --- | --- |
/// | `filtered(by:)` | the layers whose rules the net's state meets |
/// | `insertingSplits()` | a `Split` after every blob that several layers read |
/// | `connect` | blobs by number, arities and names checked |
/// | `inferShapes` | the layers made, the shape of every blob, the parameters they ask for |
/// | `bindParameters` | shared parameters joined, multipliers settled |
/// | `decideBackward` | which layers, bottoms and parameters need a gradient |
/// | `livesEnding` | after which layer nobody needs a blob's values |
/// | `servedReLUs` | which layers compute the gradients of ReLUs below with their own |
/// | `dividingBatches` | layers through which batches go in parts, where a net only runs forward |
public struct NetPlan {
  /// The net as it will run: filtered, splits inserted, phases set. This is what snapshots store.
  public private(set) var parameter: NetParameter
  public var layers: [PlannedLayer] = []
  public var blobs: [PlannedBlob] = []
  public var parameters: [PlannedParameter] = []
  /// In the order of their layers.
  var sweeps: [PlannedSweep] = []

  /// - Throws: the first mistake in the description, naming net, layer and field.
  public init(
    _ net: NetParameter, context: LayerContext, catalog: LayerCatalog
  ) throws {
    let place = net.place
    parameter = try withPlace(place) { try net.filtered(report: context.report).insertingSplits() }
    try withPlace(place) {
      try connect(parameter, catalog: catalog, report: context.report)
      try inferShapes(context: context)
      try bindParameters(report: context.report)
      try decideBackward(forced: parameter.forceBackward)
      if context.runsOnlyForward { dropBackward() }
    }
  }
}

/// A blob of the plan.
public struct PlannedBlob {
  public let name: String
  /// The layers that write it: the one that makes it, then those that run in place on it.
  public var makers: [Int] = []
  /// Whom a layer running in place on it would disturb.
  var use = BlobUse()
  public var shape: Shape = [0]
  /// No layer reads it: it is an output of the net.
  public var isOutput = false
  /// Some layer below it learns, so it carries a gradient if it lies under a loss.
  public var needsGradient = false
}

/// A layer of the plan, with the numbers of its blobs and parameters.
public struct PlannedLayer {
  public let parameter: LayerParameter
  public let kind: LayerKind
  public internal(set) var bottoms: [Int]
  public let tops: [Int]
  /// Weight of each top in the objective, 0 for none.
  public let lossWeights: [Float]
  public var layer: Layer?
  public var declarations: [ParameterDeclaration] = []
  /// Into `NetPlan.parameters`, one for each learnable blob of the layer.
  public var parameters: [Int] = []
  public var needsBackward = false
  /// For each bottom, whether its gradient is computed.
  public var propagateDown: [Bool] = []
  /// For each parameter, whether its gradient is computed.
  public var learns: [Bool] = []
  /// For each top, whether a layer above gives it a gradient.
  public var topHasGradient: [Bool] = []

  public var place: String { Layer.place(of: parameter) }
}

/// A learnable blob of the plan, owned by the first layer that asks for it.
public struct PlannedParameter {
  public internal(set) var owner: (layer: Int, index: Int)
  /// What logs call it: its `name`, or its number within the layer.
  public let displayName: String
  public let declaration: ParameterDeclaration
  /// `nil` where no layer that uses it says.
  public var learningRateMultiplier: Float?
  public var decayMultiplier: Float?
}
