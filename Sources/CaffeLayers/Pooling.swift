import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Shrinks each channel by taking the maximum, the mean or a random value over a moving window.
///
/// - Bottom: `[n, c, spatial…]` with one to three spatial axes; top: `[n, c, spatial'…]`,
///   `spatial' = ceil((spatial + 2·pad − kernel) / stride) + 1`; a last window that would lie wholly
///   in the padding is dropped.
/// - A second top (MAX only) receives the index of each maximum within its plane.
///
/// Caffe rounds *up*, unlike convolution: a last window may overhang; `round_mode: FLOOR` (or
/// `ceil_mode: false`, as some forks say it) rounds down. A mean divides by the window clipped to the
/// input and its padding. Ties in a maximum send the gradient to the first cell. STOCHASTIC draws a
/// cell with a probability in proportion to its value in training and takes the expectation in testing
/// (Zeiler & Fergus 2013).
///
/// Source: BVLC Caffe, `pooling_layer.cpp`.
final class PoolingLayer: Layer {
  static let kind = LayerKind(
    "Pooling", bottoms: .exactly(1), tops: .between(1, 2), servesReLUs: PoolingLayer.servesReLUs,
    gradientReadsBottoms: LayerKind.always(false),
    documentation: LayerDocumentation(
      "Shrinks each channel by the maximum, the mean or a random value of a moving window",
      formula: "extent' = ceil((extent + 2 pad - kernel) / stride) + 1",
      parameterFields: ["pooling_param"], source: "pooling_layer.cpp")
  ) { try PoolingLayer($0, context: $1) }

  /// A maximum is positive where the value it was taken from is.
  @Sendable private static func servesReLUs(_ parameter: LayerParameter) -> Bool {
    parameter.poolingParam.pool == .max && parameter.top.count == 1
  }

  private let settings: PoolingSettings
  private var operation: (any PoolingOperation)?
  private let random: RandomStream
  /// Whose gradient is applied to that of the top, where there are fewer values than in the bottom.
  private var relu: ReLULayer?
  /// Found out when the net is set up; other shapes later on keep to it.
  private var isOneDNNFaster: Bool?

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    settings = try PoolingSettings(parameter.poolingParam)
    random = RandomStream(seed: context.seed, name: parameter.name)
    guard parameter.top.count == 1 || settings.method == .max else {
      throw CaffeError("a second top, the mask, is for pool: MAX, not \(settings.method.protoName)")
    }
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let geometry = try settings.geometry(bottoms[0])
    let shape = try Shape([geometry.batch, geometry.channels] + geometry.output)
    return Array(repeating: shape, count: parameter.top.count)
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool {
    settings.method != .stochastic || phase == .test
  }

  override func reshape() throws {
    relu = fuseServedReLUs()[0]
    let geometry = try settings.geometry(bottom[0].shape)
    operation = try choose(named: settings.engine) {
      guard top.count == 1 else { throw EngineRefusal("it keeps no mask that a top could show") }
      if let packed = packedOperation(geometry), !isOneDNNWanted(settings.engine) {
        let isFaster = try isOneDNNFaster ?? measure(packed, geometry)
        isOneDNNFaster = isFaster
        guard isFaster else {
          throw EngineRefusal("our loops in the order of the bottom are faster")
        }
      }
      let operation = try oneDNNOperation(geometry)
      top[0].data.announce(operation.outputOrder)
      engine.implementation = operation.implementation
      return operation
    } caffe: {
      if let packed = packedOperation(geometry) {
        top[0].data.announce(packed.outputOrder)
        return packed
      }
      return try CaffePoolingOperation(
        geometry, method: settings.method, random: phase == .train ? random : nil)
    }
  }

  private func oneDNNOperation(_ geometry: PoolingGeometry) throws -> OneDNNPoolingOperation {
    try OneDNNPoolingOperation(
      geometry, method: settings.method, isTrained: propagateDown[0],
      bottom: bottom[0].data, isNamed: isOneDNNWanted(settings.engine),
      scratchpad: context.scratchpad)
  }

  /// Our loops in the order of the bottom; `nil` where that is plain, or they do not take the case.
  private func packedOperation(_ geometry: PoolingGeometry) -> PackedPoolingOperation? {
    top.count == 1
      ? PackedPoolingOperation(geometry, method: settings.method, bottom: bottom[0].data) : nil
  }

  /// Whether oneDNN is faster than our loops; no, where nothing measures.
  private func measure(
    _ packed: PackedPoolingOperation, _ geometry: PoolingGeometry
  ) throws -> Bool {
    guard let choices = context.choices else { return false }
    let key =
      "pooling \(settings.method.protoName) \(geometry.text) \(bottom[0].data.orderName)"
      + (propagateDown[0] ? "" : " forward")
    let (bottom, top) = (Blob("bottom", bottom[0].shape), Blob("top", top[0].shape))
    func candidate(
      _ name: String, _ make: @escaping () throws -> any PoolingOperation
    ) -> SpeedChoices.Candidate {
      SpeedChoices.Candidate(name) { [order = self.bottom[0].data.layout, propagateDown] in
        try PoolingTrial(
          operation: make(), bottom: bottom, top: top, order: order, isTrained: propagateDown[0])
      }
    }
    let fastest = try choices.fastest(
      of: [
        candidate("CAFFE") { packed }, candidate("ONEDNN") { try self.oneDNNOperation(geometry) },
      ], for: key)
    return fastest == "ONEDNN"
  }

  override func forward() throws {
    operation?.forward(
      bottom[0].data, pass: context.clock.pass, into: top[0].data,
      mask: top.count > 1 ? top[1].data : nil)
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    if let relu {
      let order = top[0].diff.layout
      let gradient = top[0].diff.update(in: order)
      ReLUKernel.backward(
        gradient, input: top[0].data.read(in: order), slope: relu.slope,
        count: top[0].diff.extent(in: order), into: gradient)
    }
    operation?.backward(top[0].diff, into: bottom[0].diff)
  }
}
