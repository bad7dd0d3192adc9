import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// A `convolution_param`, checked: what Convolution, Deconvolution and Im2col have in common.
///
/// `kernel_size`, `pad`, `stride` and `dilation` are given once for all spatial axes or once for
/// each; `kernel_h`/`kernel_w` and the like are for two axes and exclude the other form.
struct ConvolutionSettings {
  private let outputs: Int
  private let groups: Int
  /// A depthwise type: each channel has filters of its own.
  private let isDepthwise: Bool
  let hasBias: Bool
  /// The channel axis as the prototxt has it, possibly negative.
  let axis: Int
  /// What `engine` names, `nil` for `DEFAULT` and `CUDNN`.
  let engine: Engine?
  private let kernel: Extents
  private let stride: Extents
  private let pad: Extents
  private let dilation: Extents

  /// - Parameters:
  ///   - needsOutputs: `num_output` must be there; a depthwise type takes the number of channels.
  ///   - isDepthwise: `group` is the number of channels, whether it is given or not.
  /// - Throws: a field that is missing or cannot be.
  init(
    _ parameter: ConvolutionParameter, needsOutputs: Bool = true, isDepthwise: Bool = false
  ) throws {
    if needsOutputs && !isDepthwise || parameter.hasNumOutput {
      guard parameter.hasNumOutput, parameter.numOutput > 0 else {
        throw CaffeError("num_output must be positive, got \(parameter.numOutput)")
      }
    }
    guard parameter.group > 0 else {
      throw CaffeError("group must be positive, got \(parameter.group)")
    }
    outputs = parameter.numOutput
    groups = isDepthwise && !parameter.hasGroup ? 0 : parameter.group
    self.isDepthwise = isDepthwise
    hasBias = parameter.biasTerm
    axis = parameter.axis
    engine = Engine(parameter.engine)
    let p = parameter
    kernel = try Extents(
      "kernel", "kernel_size", p.kernelSize, minimum: 1, fallback: nil,
      pair: p.hasKernelH || p.hasKernelW ? (p.kernelH, p.kernelW) : nil)
    stride = try Extents(
      "stride", "stride", p.stride, minimum: 1, fallback: 1,
      pair: p.hasStrideH || p.hasStrideW ? (p.strideH, p.strideW) : nil)
    pad = try Extents(
      "pad", "pad", p.pad, minimum: 0, fallback: 0,
      pair: p.hasPadH || p.hasPadW ? (p.padH, p.padW) : nil)
    dilation = try Extents(
      "dilation", "dilation", p.dilation, minimum: 1, fallback: 1, pair: nil)
  }

  /// The convolution of a bottom of this shape.
  ///
  /// - Throws: when extents and spatial axes do not go together.
  func geometry(_ bottom: Shape) throws -> ConvolutionGeometry {
    let channels = bottom[try bottom.axis(axis)]
    guard isDepthwise else { return try geometry(bottom, outputs: outputs, groups: groups) }
    guard channels > 0 else { throw CaffeError("the bottom has no channels") }
    guard groups == 0 || groups == channels else {
      throw CaffeError("group must be the bottom's \(channels) channels or left out, got \(groups)")
    }
    return try geometry(bottom, outputs: outputs > 0 ? outputs : channels, groups: channels)
  }

  /// The convolution of a bottom of this shape with other `num_output` and `group` than the settings'.
  func geometry(_ bottom: Shape, outputs: Int, groups: Int) throws -> ConvolutionGeometry {
    let channelAxis = try bottom.axis(axis)
    let input = Array(bottom.dimensions[(channelAxis + 1)...])
    return try ConvolutionGeometry(
      batch: bottom.count(before: channelAxis), inputChannels: bottom[channelAxis],
      outputChannels: outputs, groups: groups, input: input,
      kernel: try kernel.perAxis(input.count), stride: try stride.perAxis(input.count),
      pad: try pad.perAxis(input.count), dilation: try dilation.perAxis(input.count))
  }

  /// The convolution of which a deconvolution of a bottom of this shape is the transpose.
  func transposedGeometry(_ bottom: Shape) throws -> ConvolutionGeometry {
    let channelAxis = try bottom.axis(axis)
    let input = Array(bottom.dimensions[(channelAxis + 1)...])
    return try ConvolutionGeometry(
      transposeOf: bottom.count(before: channelAxis), inputChannels: bottom[channelAxis],
      outputChannels: outputs, groups: groups, input: input,
      kernel: try kernel.perAxis(input.count), stride: try stride.perAxis(input.count),
      pad: try pad.perAxis(input.count), dilation: try dilation.perAxis(input.count))
  }

  /// The filters of `geometry` and, unless `bias_term: false`, one bias for each channel of the top.
  func declarations(
    _ geometry: ConvolutionGeometry, topChannels: Int, _ parameter: ConvolutionParameter
  ) throws -> [ParameterDeclaration] {
    let filters = try Shape(
      [geometry.outputChannels, geometry.inputChannels / geometry.groups] + geometry.kernel)
    let weights = ParameterDeclaration(shape: filters, filler: parameter.weightFiller)
    guard hasBias else { return [weights] }
    let bias = ParameterDeclaration(
      shape: try Shape([topChannels]), filler: parameter.biasFiller)
    return [weights, bias]
  }

  /// A top of `channels` and `extents` for each bottom.
  ///
  /// - Parameter weights: the filters, once there are any.
  /// - Throws: bottoms of different shapes, or with other channels than the filters are for.
  func topShapes(
    for bottoms: [Shape], geometry: ConvolutionGeometry, channels: Int, extents: [Int],
    weights: Blob?
  ) throws -> [Shape] {
    let first = bottoms[0]
    let channelAxis = try first.axis(axis)
    if let weights, weights.count != geometry.weightCount {
      throw CaffeError(
        "the filters were made for shape \(weights.shape), the bottom now has \(first)")
    }
    for (index, shape) in bottoms.enumerated() where shape != first {
      throw CaffeError(
        "all bottoms must have one shape: bottom 0 has \(first), bottom \(index) \(shape)")
    }
    let top = try Shape(first.dimensions[..<channelAxis] + [channels] + extents)
    return bottoms.map { _ in top }
  }

  /// Extents of one kind, in either way of writing them.
  private struct Extents {
    private let values: [Int]
    private let isPair: Bool
    private let field: String

    init(
      _ stem: String, _ field: String, _ values: [Int], minimum: Int, fallback: Int?,
      pair: (Int, Int)?
    ) throws {
      if let pair {
        guard values.isEmpty else {
          throw CaffeError("give either \(field) or \(stem)_h and \(stem)_w, not both")
        }
        self.values = [pair.0, pair.1]
        self.field = "\(stem)_h and \(stem)_w"
      } else {
        self.values = values.isEmpty ? fallback.map { [$0] } ?? [] : values
        self.field = field
      }
      isPair = pair != nil
      for value in self.values where value < minimum {
        throw CaffeError("\(self.field) must be at least \(minimum), got \(value)")
      }
      for value in self.values { try Extent.check(value, self.field) }
    }

    func perAxis(_ axes: Int) throws -> [Int] {
      if isPair {
        guard axes == 2 else {
          throw CaffeError("\(field) are for two spatial axes, the bottom has \(axes)")
        }
        return values
      }
      if values.count == 1 { return Array(repeating: values[0], count: axes) }
      guard !values.isEmpty || axes == 0 else { throw CaffeError("\(field) is missing") }
      guard values.count == axes else {
        throw CaffeError(
          "\(field) must be given once or once for each spatial axis: \(values.count) given, \(axes) axes"
        )
      }
      return values
    }
  }
}
