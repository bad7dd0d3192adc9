import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Spatial pyramid pooling (He et al. 2014): pools the plane into 1×1, 2×2, 4×4… bins, so that images
/// of any size make vectors of one length.
///
/// - Bottom: `[n, c, h, w]`; top: `[n, c · Σ 4^i]` over the levels i of `0..<pyramid_height`, level by
///   level (a single level keeps its axes, `[n, c, 1, 1]`).
///
/// Level i has 2^i × 2^i bins of ceil(h / 2^i) × ceil(w / 2^i) cells; what they have too many is
/// padding, half of it (rounded up) before the plane.
///
/// Source: BVLC Caffe, `spp_layer.cpp`.
final class SPPLayer: Layer {
  static let kind = LayerKind(
    "SPP", bottoms: .exactly(1), tops: .exactly(1),
    documentation: LayerDocumentation(
      "Spatial pyramid pooling: makes vectors of one length from images of any size",
      parameterFields: ["spp_param"], source: "spp_layer.cpp")
  ) { try SPPLayer($0, context: $1) }

  /// A level's pooling, its output, and its gradient for the bottom.
  private struct Level {
    let pooling: CaffePoolingOperation
    let output: Blob
    let inputGradient: Tensor
    /// Values for each image, and where they start within the top's.
    let extent: Int
    let offset: Int
  }

  /// More would have bins beyond any image: 2^16 × 2^16.
  private static let mostLevels = 16

  private let height: Int
  private let method: PoolingParameter.PoolMethod
  private let random: RandomStream
  private var levels: [Level] = []

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let spp = parameter.sppParam
    height = spp.pyramidHeight
    guard (1...SPPLayer.mostLevels).contains(height) else {
      throw CaffeError("pyramid_height must be in 1...\(SPPLayer.mostLevels), got \(height)")
    }
    method =
      switch spp.pool {
      case .max: .max
      case .ave: .ave
      case .stochastic: .stochastic
      }
    random = RandomStream(seed: context.seed, name: parameter.name)
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let bottom = bottoms[0]
    guard bottom.axes == 4 else {
      throw CaffeError("the bottom must have 4 axes, [n, c, h, w], got \(bottom)")
    }
    let bins = try (0..<height).map { try geometry(level: $0, of: bottom).outputSize }
    if height == 1 { return [try Shape([bottom[0], bottom[1], 1, 1])] }
    return [try Shape([bottom[0], bottom[1] * bins.reduce(0, +)])]
  }

  private func geometry(level: Int, of bottom: Shape) throws -> PoolingGeometry {
    let bins = 1 << level
    let input = [bottom[2], bottom[3]]
    let kernel = input.map { ($0 + bins - 1) / bins }
    let pad = zip(input, kernel).map { (bins * $1 - $0 + 1) / 2 }
    guard zip(pad, kernel).allSatisfy({ $0 < $1 }) else {
      throw CaffeError(
        "a plane of \(input[0])x\(input[1]) has too few cells for \(bins)x\(bins) bins; lower pyramid_height"
      )
    }
    return try PoolingGeometry(
      batch: bottom[0], channels: bottom[1], input: input, kernel: kernel, stride: kernel, pad: pad)
  }

  override func reshape() throws {
    _ = try choose(named: Engine(parameter.sppParam.engine)) {
      throw EngineRefusal("it has no pyramid pooling")
    } caffe: {
    }
    let bottom = bottom[0].shape
    var offset = 0
    levels = try (0..<height).map { level in
      let geometry = try geometry(level: level, of: bottom)
      let extent = geometry.channels * geometry.outputSize
      defer { offset += extent }
      return Level(
        pooling: try CaffePoolingOperation(
          geometry, method: method, random: phase == .train ? random : nil),
        output: Blob("\(name)/\(level)", try Shape([bottom[0], extent])),
        inputGradient: Tensor(bottom), extent: extent, offset: offset)
    }
  }

  /// Values of the top for each image.
  private var stride: Int { top[0].shape.count(from: 1) }

  override func forward() throws {
    let output = top[0].data.overwrite()
    for level in levels {
      level.pooling.forward(
        bottom[0].data, pass: context.clock.pass, into: level.output.data, mask: nil)
      Blocks.copyRows(
        level.output.data.read(), stride: level.extent, rows: top[0].shape[0],
        extent: level.extent, into: output + level.offset, stride: stride)
    }
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let gradient = top[0].diff.read()
    for level in levels {
      Blocks.copyRows(
        gradient + level.offset, stride: stride, rows: top[0].shape[0], extent: level.extent,
        into: level.output.diff.overwrite(), stride: level.extent)
      level.pooling.backward(level.output.diff, into: level.inputGradient)
    }
    Blocks.sum(
      levels.map { $0.inputGradient.read() }, count: bottom[0].count,
      into: bottom[0].diff.overwrite())
  }
}
