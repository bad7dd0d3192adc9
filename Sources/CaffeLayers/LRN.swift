import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Local response normalisation (Krizhevsky et al. 2012).
///
/// - Bottom and top: `[n, c, h, w]`.
/// - `ACROSS_CHANNELS`: y = x · (k + alpha/n · Σ x²)^−beta, over the n = `local_size` channels around.
/// - `WITHIN_CHANNEL`: y = x · (1 + alpha · mean x²)^−beta, over an n × n window that counts zero
///   padding; `k` is not used.
///
/// `local_size` must be odd.
///
/// Source: BVLC Caffe, `lrn_layer.cpp`.
final class LRNLayer: Layer {
  static let kind = LayerKind(
    "LRN", bottoms: .exactly(1), tops: .exactly(1), outputUse: LayerKind.always(.values),
    documentation: LayerDocumentation(
      "Local response normalisation, across channels or within each",
      formula:
        "y = x (k + alpha / n sum(x^2))^-beta over local_size channels; within: x (1 + alpha mean(x^2))^-beta",
      parameterFields: ["lrn_param"], source: "lrn_layer.cpp")
  ) { try LRNLayer($0, context: $1) }

  private let region: LRNParameter.NormRegion
  private let settings: OneDNNLRN.Parameters
  private let named: Engine?
  private var operation: (any LRNOperation)?

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let lrn = parameter.lrnParam
    guard lrn.localSize % 2 == 1 else {
      throw CaffeError("local_size must be odd, got \(lrn.localSize)")
    }
    region = lrn.normRegion
    settings = OneDNNLRN.Parameters(
      localSize: lrn.localSize, alpha: lrn.alpha, beta: lrn.beta, k: lrn.k)
    named = Engine(lrn.engine)
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    guard bottoms[0].axes == 4 else {
      throw CaffeError("the bottom must have 4 axes, [n, c, h, w], got \(bottoms[0])")
    }
    return [bottoms[0]]
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool { true }

  override func reshape() throws {
    let shape = bottom[0].shape
    operation = try choose(named: named) {
      guard region == .acrossChannels else {
        throw EngineRefusal("its window within a channel counts padding in another way than Caffe")
      }
      guard isOneDNNWanted(named) || packedOperation == nil else {
        throw EngineRefusal("our loops in the order of the bottom are faster")
      }
      let operation = try OneDNNLRNOperation(
        settings, isTrained: propagateDown[0], bottom: bottom[0].data,
        isNamed: isOneDNNWanted(named),
        scratchpad: context.scratchpad)
      top[0].data.announce(operation.outputOrder)
      engine.implementation = operation.implementation
      return operation
    } caffe: {
      if let packed = packedOperation {
        top[0].data.announce(packed.order)
        return packed
      }
      return region == .acrossChannels
        ? CaffeLRNOperation(across: settings, shape: shape)
        : try CaffeLRNOperation(within: settings, shape: shape)
    }
  }

  /// Our loops in the order of the bottom; `nil` where that is plain, or they do not take the region.
  private var packedOperation: PackedLRNOperation? {
    region == .acrossChannels ? PackedLRNOperation(settings, bottom: bottom[0].data) : nil
  }

  override func forward() throws {
    operation?.forward(bottom[0].data, into: top[0].data)
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    operation?.backward(
      top[0].diff, input: bottom[0].data, output: top[0].data, into: bottom[0].diff)
  }
}
