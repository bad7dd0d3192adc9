import CaffeErrors
import CaffeSchema

/// What is known of a layer type before any layer of it exists: its name in the prototxt, how many
/// bottoms and tops it takes, what it may do, and how to make one.
public struct LayerKind: Sendable {
  /// How many blobs a layer accepts.
  public enum Arity: Sendable, Equatable {
    case exactly(Int)
    case between(Int, Int)
    case atLeast(Int)
    /// As many tops as the layer has bottoms.
    case sameAsBottoms

    /// `2`, `1 to 2`, `1 or more`, `as many as bottoms`.
    public var text: String {
      switch self {
      case .exactly(let count): "\(count)"
      case .between(let low, let high): "\(low) to \(high)"
      case .atLeast(let low): "\(low) or more"
      case .sameAsBottoms: "as many as bottoms"
      }
    }

    func accepts(_ count: Int, bottoms: Int) -> Bool {
      switch self {
      case .exactly(let wanted): count == wanted
      case .between(let low, let high): (low...high).contains(count)
      case .atLeast(let low): count >= low
      case .sameAsBottoms: count == bottoms
      }
    }
  }

  /// What the backward pass of a layer reads of the values that `forward` put into its tops, and so
  /// what a layer above may not change in place.
  public enum OutputUse: Sendable {
    case nothing, sign, values
  }

  /// Whose memory the tops are.
  public enum TopMemory: Sendable {
    case own
    /// A view of the bottom where there is one bottom and one top, else its own.
    case viewOfOnlyBottom
    /// Every top is a view of the first bottom.
    case view
  }

  /// The `type` of a prototxt, such as `Pooling`.
  public let type: String
  public let bottoms: Arity
  public let tops: Arity
  /// A top may carry the name of its bottom and use its memory.
  public let runsInPlace: Bool
  /// What it leaves of its bottom in place has the bottom's sign, or is 0 and passes no gradient.
  public let keepsSign: Bool
  public let topMemory: TopMemory
  /// Whether a layer with these settings can tell from its top where a ReLU in place on a bottom was
  /// positive, and so compute that one's gradient with its own.
  public let servesReLUs: @Sendable (LayerParameter) -> Bool
  /// It computes the gradient of a ReLU in place on its top with its own.
  public let takesReLUsBehind: Bool
  /// What the backward pass of a layer with these settings reads of its own tops.
  public let outputUse: @Sendable (LayerParameter) -> OutputUse
  /// Whether the backward pass of a layer with these settings reads the values of its bottoms.
  public let gradientReadsBottoms: @Sendable (LayerParameter) -> Bool
  /// The first top enters the objective with weight 1 unless `loss_weight` says otherwise.
  public let isLoss: Bool
  /// Tops that are made, without a name, if the prototxt lists fewer.
  public let automaticTops: Int
  /// Bottoms that never receive a gradient (labels), even under `force_backward`.
  public let labels: Set<Int>
  /// The layer has no backward pass at all.
  public let isForwardOnly: Bool
  /// What the command `layers` prints about the type.
  public let documentation: LayerDocumentation
  public let make: @Sendable (LayerParameter, LayerContext) throws -> Layer

  public init(
    _ type: String, bottoms: Arity, tops: Arity, runsInPlace: Bool = false,
    keepsSign: Bool = false, topMemory: TopMemory = .own,
    servesReLUs: @escaping @Sendable (LayerParameter) -> Bool = always(false),
    takesReLUsBehind: Bool = false,
    outputUse: @escaping @Sendable (LayerParameter) -> OutputUse = always(.nothing),
    gradientReadsBottoms: @escaping @Sendable (LayerParameter) -> Bool = always(true),
    isLoss: Bool = false, automaticTops: Int = 0, labels: Set<Int> = [],
    isForwardOnly: Bool = false,
    documentation: LayerDocumentation,
    make: @escaping @Sendable (LayerParameter, LayerContext) throws -> Layer
  ) {
    self.type = type
    self.bottoms = bottoms
    self.tops = tops
    self.runsInPlace = runsInPlace
    self.keepsSign = keepsSign
    self.topMemory = topMemory
    self.servesReLUs = servesReLUs
    self.takesReLUsBehind = takesReLUsBehind
    self.outputUse = outputUse
    self.gradientReadsBottoms = gradientReadsBottoms
    self.isLoss = isLoss
    self.automaticTops = automaticTops
    self.labels = labels
    self.isForwardOnly = isForwardOnly
    self.documentation = documentation
    self.make = make
  }

  /// An answer that does not depend on the settings.
  public static func always<Answer: Sendable>(
    _ answer: Answer
  ) -> @Sendable (LayerParameter) -> Answer {
    { _ in answer }
  }

  /// - Throws: Caffe's sentence when the numbers of blobs do not fit this type.
  public func check(bottoms bottomCount: Int, tops topCount: Int) throws {
    if !bottoms.accepts(bottomCount, bottoms: bottomCount) {
      throw CaffeError(sentence("takes", bottoms, "bottom", "as input", got: bottomCount))
    }
    if !tops.accepts(topCount, bottoms: bottomCount) {
      throw CaffeError(sentence("produces", tops, "top", "as output", got: topCount))
    }
  }

  private func sentence(
    _ verb: String, _ arity: Arity, _ side: String, _ role: String, got: Int
  ) -> String {
    let wanted =
      switch arity {
      case .exactly(let count): "\(count) \(side) blob(s) \(role)"
      case .between(let low, let high): "\(low) to \(high) \(side) blob(s) \(role)"
      case .atLeast(let low): "at least \(low) \(side) blob(s) \(role)"
      case .sameAsBottoms: "one top blob as output for each bottom blob input"
      }
    return "\(type) Layer \(verb) \(wanted), got \(got)"
  }
}
