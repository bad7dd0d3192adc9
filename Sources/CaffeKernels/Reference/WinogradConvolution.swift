import CaffeKernelsC

/// A convolution of 3x3 or 5x5 windows with stride 1 on transformed tiles, by C loops in packed orders: a
/// quarter and a sixth of the multiplications of a direct convolution, with 1.6 and 4 times its rounding
/// errors.
///
/// - Input `[n, c, h, w]`, output `[n, num_output, h', w']`; weights, bias and their gradients plain, as
///   the parameter store has them.
///
/// Runs on the same values are equal bit by bit, whatever the number of threads.
///
/// Source: Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks".
package final class WinogradConvolution {
  /// Channels of a block, and those that are worked on at once.
  package static var lanes: Int { ck_winograd_lanes() }
  /// Below so many tiles, transforming the filters takes most of the time of a run.
  private static let fewTiles = 48
  /// The loops' name, as `winograd:v3`.
  package let implementation = "winograd:\(InstructionSet.current)"

  private var forwardPass: ck_winograd
  /// From the output's gradient to the input's.
  private var gradientPass: ck_winograd
  /// What negative outputs are multiplied with.
  private let slope: Float
  private let gradients: WeightedGradients
  private let scratchpad: Scratchpad
  private let scratch: Scratchpad.Region
  /// Whether a copy of the weights serves until their revision changes.
  package var keepsWeights: Bool { kept != nil }
  /// Transformed filters that serve again in inference of a few tiles: they take 4 times the memory of the
  /// filters, and as long to make as 33 tiles take to multiply.
  private var kept: (filters: AlignedBuffer, revision: Int?)?

  /// - Parameters:
  ///   - input: how the channels of the input and of its gradient lie.
  ///   - output: how those of the output and of its gradient do.
  ///   - fusedReLUSlope: of a ReLU on the output; the gradients take the gradient *before* that ReLU.
  ///   - gradients: empty for inference.
  /// - Throws: `EngineRefusal` for other windows, and for channels in other orders.
  package init(
    _ geometry: ConvolutionGeometry, input: ChannelRuns?, output: ChannelRuns?,
    fusedReLUSlope: Float?, gradients: WeightedGradients, scratchpad: Scratchpad
  ) throws {
    let g = geometry
    guard g.hasTileWindows, g.multiplyAdds > 0, zip(g.pad, g.kernel).allSatisfy(<) else {
      throw EngineRefusal(
        "its tiles are for 3x3 and 5x5 windows of stride 1 that pads do not cover")
    }
    guard
      let bottom = ck_cell_order(
        input, channels: g.inputChannels, groups: g.groups, cells: g.inputSize),
      let top = ck_cell_order(
        output, channels: g.outputChannels, groups: g.groups, cells: g.outputSize)
    else {
      throw EngineRefusal(
        "its tiles are for channels-last blobs or blocks of \(Self.lanes) channels of one group")
    }
    forwardPass = ck_winograd(
      items: g.batch, groups: g.groups, kernel: g.kernel[0], inputs: g.inputChannels / g.groups,
      outputs: g.outputChannels / g.groups, height: g.input[0], width: g.input[1],
      top_height: g.output[0], top_width: g.output[1], pad_y: g.pad[0], pad_x: g.pad[1],
      bottom: bottom, top: top, parts: 0)
    gradientPass = ck_winograd(
      items: g.batch, groups: g.groups, kernel: g.kernel[0], inputs: forwardPass.outputs,
      outputs: forwardPass.inputs, height: g.output[0], width: g.output[1], top_height: g.input[0],
      top_width: g.input[1],
      pad_y: g.kernel[0] - 1 - g.pad[0], pad_x: g.kernel[1] - 1 - g.pad[1], bottom: top,
      top: bottom, parts: 0)
    forwardPass.parts = ck_winograd_parts(&forwardPass)
    gradientPass.parts = ck_winograd_parts(&gradientPass)
    slope = fusedReLUSlope ?? 1
    var scratchCount: Int
    if gradients.isEmpty, ck_winograd_tiles(&forwardPass) < Self.fewTiles {
      let count = ck_winograd_filter_count(&forwardPass)
      kept = (AlignedBuffer(byteCount: count * MemoryLayout<Float>.stride), nil)
      scratchCount = ck_winograd_run_scratch(&forwardPass)
    } else {
      scratchCount = ck_winograd_convolve_scratch(&forwardPass)
    }
    if gradients.contains(.input) {
      scratchCount = max(scratchCount, ck_winograd_convolve_scratch(&gradientPass))
    }
    if gradients.contains(.weights) {
      scratchCount = max(scratchCount, ck_winograd_gradient_scratch(&forwardPass))
    }
    self.gradients = gradients
    self.scratchpad = scratchpad
    scratch = scratchpad.claim(scratchCount * MemoryLayout<Float>.stride)
  }

  /// Overwrites `output`.
  ///
  /// - Parameters:
  ///   - revision: another number for other weights.
  ///   - stride: floats from one item of the output to the next; `nil` where they lie side by side.
  package func forward(
    _ input: UnsafePointer<Float>, weights: @autoclosure () -> UnsafePointer<Float>, revision: Int,
    bias: UnsafePointer<Float>?, into output: UnsafeMutablePointer<Float>, stride: Int? = nil
  ) {
    var pass = forwardPass
    if let stride { pass.top.item = stride }
    guard let kept else {
      return ck_winograd_convolve(&pass, input, weights(), 0, bias, slope, working, output)
    }
    if kept.revision != revision {
      ck_winograd_filters(&pass, weights(), kept.filters.floats)
      self.kept?.revision = revision
    }
    ck_winograd_run(&pass, input, kept.filters.floats, bias, slope, working, output)
  }

  /// Overwrites `inputGradient`.
  package func backwardData(
    _ outputGradient: UnsafePointer<Float>, weights: UnsafePointer<Float>,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    precondition(gradients.contains(.input), "no working memory for the input's gradient")
    ck_winograd_convolve(
      &gradientPass, outputGradient, weights, 1, nil, 1, working, inputGradient)
  }

  /// Adds to the gradients that are given.
  package func backwardWeights(
    _ input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, into weights: GradientSum,
    bias: GradientSum?
  ) {
    precondition(gradients.contains(.weights), "no working memory for the weights' gradient")
    ck_winograd_gradient(
      &forwardPass, input, outputGradient, working, weights.isZero ? 0 : 1, weights.values,
      bias?.isZero == false ? 1 : 0, bias?.values)
  }

  private var working: UnsafeMutablePointer<Float>? {
    scratchpad.pointer(to: scratch)?.assumingMemoryBound(to: Float.self)
  }
}

extension ck_cell_order {
  /// `nil` for channels that are scattered, or in other blocks than the loops have vectors.
  fileprivate init?(_ runs: ChannelRuns?, channels: Int, groups: Int, cells: Int) {
    let lanes = WinogradConvolution.lanes
    let blocks = (channels + lanes - 1) / lanes
    switch runs?.run {
    case channels:
      self.init(
        item: channels * cells, group: channels / groups, block: lanes, cell: channels,
        is_padded: 0)
    case lanes where groups == 1 || channels / groups % lanes == 0:
      self.init(
        item: blocks * lanes * cells, group: channels / groups * cells, block: lanes * cells,
        cell: lanes, is_padded: 1)
    default: return nil
    }
  }
}
