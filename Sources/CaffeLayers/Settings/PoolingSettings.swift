import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// A `pooling_param`, checked.
struct PoolingSettings {
  let method: PoolingParameter.PoolMethod
  /// What `engine` names, `nil` for `DEFAULT` and `CUDNN`.
  let engine: Engine?
  private let isGlobal: Bool
  private let kernel: Pair
  private let stride: Pair
  private let pad: Pair
  private let rounding: PoolingGeometry.Rounding

  init(_ p: PoolingParameter) throws {
    method = p.pool
    engine = Engine(p.engine)
    isGlobal = p.globalPooling
    rounding = p.roundMode == .floor || !p.ceilMode ? .down : .up
    if isGlobal {
      guard !p.hasKernelSize && !p.hasKernelH && !p.hasKernelW else {
        throw CaffeError(
          "with global_pooling: true the kernel is the whole plane; remove kernel_size")
      }
      guard p.pad == 0, p.padH == 0, p.padW == 0, p.stride == 1 else {
        throw CaffeError("with global_pooling: true pad must be 0 and stride 1")
      }
    }
    kernel = try Pair(
      "kernel", "kernel_size", one: p.hasKernelSize ? p.kernelSize : isGlobal ? 1 : nil,
      height: p.hasKernelH ? p.kernelH : nil, width: p.hasKernelW ? p.kernelW : nil, minimum: 1)
    stride = try Pair(
      "stride", "stride", one: p.hasStride || !(p.hasStrideH || p.hasStrideW) ? p.stride : nil,
      height: p.hasStrideH ? p.strideH : nil, width: p.hasStrideW ? p.strideW : nil, minimum: 1)
    pad = try Pair(
      "pad", "pad", one: p.hasPad || !(p.hasPadH || p.hasPadW) ? p.pad : nil,
      height: p.hasPadH ? p.padH : nil, width: p.hasPadW ? p.padW : nil, minimum: 0)
    guard method != .stochastic || pad.isZero else {
      throw CaffeError("pad must be 0 with pool: STOCHASTIC; padding is for MAX and AVE")
    }
  }

  /// - Throws: a bottom without spatial axes, or one the windows do not go with.
  func geometry(_ bottom: Shape) throws -> PoolingGeometry {
    guard (3...5).contains(bottom.axes) else {
      throw CaffeError(
        "the bottom must have 3 to 5 axes, [n, c, spatial…], got \(bottom)")
    }
    let input = Array(bottom.dimensions[2...])
    return try PoolingGeometry(
      batch: bottom[0], channels: bottom[1], input: input,
      kernel: isGlobal ? input : try kernel.perAxis(input.count),
      stride: try stride.perAxis(input.count), pad: try pad.perAxis(input.count),
      rounding: rounding)
  }

  /// An extent given once for all axes, or as `_h` and `_w` for two.
  private struct Pair {
    private let values: [Int]
    private let stem: String

    init(
      _ stem: String, _ field: String, one: Int?, height: Int?, width: Int?, minimum: Int
    ) throws {
      self.stem = stem
      switch (one, height, width) {
      case (let one?, nil, nil): values = [one]
      case (nil, let height?, let width?): values = [height, width]
      case (.some, _, _):
        throw CaffeError("give either \(field) or \(stem)_h and \(stem)_w, not both")
      case (nil, nil, nil):
        throw CaffeError("\(field) is missing")
      default:
        throw CaffeError("\(stem)_h and \(stem)_w go together, one of them is missing")
      }
      for value in values where value < minimum {
        throw CaffeError("\(field) must be at least \(minimum), got \(value)")
      }
    }

    var isZero: Bool { values.allSatisfy { $0 == 0 } }

    func perAxis(_ axes: Int) throws -> [Int] {
      if values.count == 1 { return Array(repeating: values[0], count: axes) }
      guard axes == values.count else {
        throw CaffeError(
          "\(stem)_h and \(stem)_w are for two spatial axes, the bottom has \(axes)")
      }
      return values
    }
  }
}

extension Engine {
  /// `nil` for `DEFAULT` and `CUDNN`, which leave the choice open on a CPU.
  init?(_ named: some ProtoEnum) { self.init(rawValue: named.protoName) }
}
