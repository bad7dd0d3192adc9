import CaffeErrors
import CaffeSchema

/// A learnable blob that a layer asks for: its shape and how its first values are made.
public struct ParameterDeclaration {
  public let shape: Shape
  public let filler: FillerParameter
  /// The solver must leave the blob alone (BatchNorm's running statistics).
  public let isFixed: Bool

  public init(shape: Shape, filler: FillerParameter, isFixed: Bool = false) {
    self.shape = shape
    self.filler = filler
    self.isFixed = isFixed
  }
}

/// One step of a net: reads its bottom blobs, writes its top blobs, and the other way round for
/// gradients.
///
/// A subclass checks its prototxt in `init`, so that an invalid layer cannot exist, answers for
/// shapes in `outputShapes(for:)`, prepares for them in `reshape()`, and computes in `forward` and
/// `backward`. The contract, which one test checks over the whole catalog:
///
/// - `forward` overwrites the tops and leaves the bottoms alone;
/// - `backward` overwrites the gradients of the bottoms that `propagateDown` names and *adds* to
///   the gradients of the parameters;
/// - the shapes declared are the shapes produced.
open class Layer {
  public final let parameter: LayerParameter
  public final let context: LayerContext

  /// Set by the net, once, before the first `prepare()`.
  public package(set) final var bottom: [Blob] = []
  public package(set) final var top: [Blob] = []
  /// The learnable blobs, windows on the net's `ParameterStore`.
  public package(set) final var parameters: [Blob] = []

  /// Whether the values of the parameters may be given up once the layer has them elsewhere.
  package final var mayLetParametersGo = false

  /// Which parameters need a gradient (`lr_mult` is not 0).
  public package(set) final var learns: [Bool] = []
  /// Which bottoms need a gradient.
  public package(set) final var propagateDown: [Bool] = []
  /// Weight of each top in the objective; 0 for none.
  public package(set) final var lossWeights: [Float] = []
  /// Which tops get a gradient from the layers above; the gradient of any other is all zeros.
  public package(set) final var topHasGradient: [Bool] = []
  /// The first layers that run in place on the only top, one after the other, before anyone else reads
  /// it, at most `mostFollowers`; empty where layers are not to be fused.
  package final var followers: [Layer] = []
  /// For each bottom, the layers that write it, in their order; empty where layers are not to be fused or
  /// somebody may look at the bottom.
  package final var makers: [[Neighbour]] = []
  /// The Split that reads the only top, if its gradients are not to be seen and layers may be fused.
  package final unowned var split: Layer?
  /// The layer that alone reads the only top, if it could as well run in this one's place
  /// (`NetPlan.onlyReaders`); only in nets that run forward and that nobody looks into.
  package final unowned var onlyReader: Layer?
  /// Who runs which passes of this layer in its stead.
  package internal(set) final var fusions: [Fusion] = []
  /// For each bottom, the ReLU in place on it whose gradient this layer computes with its own, from its top
  /// (`NetPlan.servedReLUs`); empty where there are none. What the ReLU made is gone by then.
  package final var servedReLUs: [Neighbour?] = []
  /// A reader of records gives no more items in a pass than this, whatever its batch size.
  package final var itemLimit: Int?
  /// The engine at work after `prepare()`, and which declined.
  public final var engine = EngineChoice()

  /// Checks the prototxt of the layer.
  ///
  /// - Throws: a sentence in prototxt words for a value that cannot be.
  public init(_ parameter: LayerParameter, context: LayerContext) throws {
    self.parameter = parameter
    self.context = context
  }

  public final var name: String { parameter.name }
  public final var type: String { parameter.type }
  /// The layer's own `phase` if it has one, otherwise the net's.
  public final var phase: Phase { parameter.hasPhase ? parameter.phase : context.phase }

  /// The learnable blobs for bottoms of these shapes.
  open func parameterDeclarations(for bottoms: [Shape]) throws -> [ParameterDeclaration] { [] }

  /// The shapes of the tops for bottoms of these shapes; depends on nothing else.
  open func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    preconditionFailure("\(Self.self) does not say what shapes it produces")
  }

  /// How many multiplications by a learned weight, each with an addition, `forward` makes for bottoms
  /// of these shapes; 0 for layers that move, compare or scale values.
  open func multiplyAdds(for bottoms: [Shape]) throws -> Int { 0 }

  /// Whether each item of the tops, a step along their first axis, depends on the same item of the bottoms
  /// alone, and a few items run at the speed of many: batches may then go through the layer in parts.
  open func treatsItemsAlone(for bottoms: [Shape]) -> Bool { false }

  /// Prepares for the present shapes of bottoms and tops: workspaces, primitives, views.
  open func reshape() throws {}

  /// - Throws: only for data that cannot be (a label out of range, an unreadable record).
  open func forward() throws {}

  /// Lets parameters go of which the layer has a copy that serves it as well, where it may. A net asks for that
  /// before its first layer runs: blobs have no memory then.
  open func leaveParameters() {}

  open func backward(propagateDown: [Bool]) throws {}

  /// A reader of records goes on where the forward pass `pass` would begin; a layer that carries a
  /// state forgets it.
  open func seek(toPass pass: UInt64) throws {}

  /// How many records a reader gives, one for each item of its tops, before it begins again; `nil` for
  /// any other layer.
  open func recordCount() throws -> Int? { nil }

  /// What the layer carries from one forward pass to the next besides its parameters. A snapshot
  /// keeps the values there are between two passes, and puts them back after `seek`.
  open var carriedState: [Tensor] { [] }

  /// Shapes the tops for the present bottoms and prepares the layer.
  public final func prepare() throws {
    let shapes = try outputShapes(for: bottom.map(\.shape))
    precondition(shapes.count == top.count, "\(type) declares \(shapes.count) of \(top.count) tops")
    for (blob, shape) in zip(top, shapes) { blob.reshape(shape) }
    separateNeighbours()
    try reshape()
  }

  /// Where the layer is, for error messages.
  public final var place: String { Layer.place(of: parameter) }

  /// `layer 'pool1' (Pooling), line 31`; the net's place names the file.
  public static func place(of parameter: LayerParameter) -> String {
    let line = parameter.location.map { ", line \($0.line)" } ?? ""
    return "layer '\(parameter.name)' (\(parameter.type))\(line)"
  }
}
