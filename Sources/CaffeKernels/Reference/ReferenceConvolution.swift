import CaffeKernelsC

/// Convolution by unfolding windows and multiplying matrices: the CAFFE engine's, for any number of
/// spatial axes, groups and dilation.
///
/// Shapes as in `ConvolutionGeometry`. Per group, with K = inputChannels / groups · ∏kernel:
/// output = weights `[outputChannels / groups, K]` · columns `[K, images · ∏output]`.
///
/// A deconvolution is the same object made from `ConvolutionGeometry(transposeOf:…)`, with the roles
/// turned: its forward pass is `backwardData`, its data gradient `forward` without a bias, and its
/// weight gradient `backwardWeights(input: top's gradient, outputGradient: bottom's data)`.
///
/// Not for use from two threads at once: the workspace is the object's own.
package final class ReferenceConvolution {
  package let geometry: ConvolutionGeometry
  private let unfolding: Unfolding
  /// Images that share one matrix product, so that small planes still make wide matrices.
  private let imagesPerChunk: Int
  private var columns: Workspace
  private var staging: Workspace
  private let operands: RoundedOperands

  /// Columns from which a wider matrix is no faster to multiply.
  private static let enoughColumns = 1024
  /// The most floats of unfolded windows at a time (32 MiB), one image's excepted.
  private static let workspaceLimit = 8 << 20

  package init(_ geometry: ConvolutionGeometry, precision: Precision = .float32) {
    self.geometry = geometry
    operands = RoundedOperands(precision)
    unfolding = Unfolding(geometry)
    let size = max(1, geometry.outputSize)
    let wanted = (Self.enoughColumns + size - 1) / size
    let allowed = max(1, Self.workspaceLimit / max(1, unfolding.rows * size))
    imagesPerChunk =
      size >= Self.enoughColumns / 2 ? 1 : max(1, min(wanted, allowed, geometry.batch))
    columns = Workspace()
    staging = Workspace()
  }

  /// Floats of workspace in use.
  package var workspaceCount: Int { columns.capacity + staging.capacity }

  /// output ← weights ⋆ input (+ bias of each output channel). Overwrites `output`.
  package func forward(
    input: UnsafePointer<Float>, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>? = nil,
    into output: UnsafeMutablePointer<Float>
  ) {
    let (input, weights) = operands.round((input, inputCount), (weights, weightsCount))
    forEachChunk { first, images in
      let unfolded = unfold(input, first: first, images: images)
      let width = images * outputSize
      let target =
        images == 1 ? output + first * outputStride : staging.reserve(outputChannels * width)
      forEachGroup { group in
        Gemm.multiply(
          Gemm.Operand(weights + group.weights, stride: group.inner),
          Gemm.Operand(unfolded + group.index * group.inner * width, stride: width),
          rows: group.outputs, columns: width, inner: group.inner,
          into: target + group.index * group.outputs * width)
      }
      if images > 1 { scatter(target, first: first, images: images, into: output) }
    }
    if let bias {
      ChannelKernel.add(
        output, bias: bias,
        over: ChannelExtents(outer: geometry.batch, channels: outputChannels, inner: outputSize),
        into: output)
    }
  }

  /// inputGradient ← weightsᵀ ⋆ outputGradient. Overwrites `inputGradient`.
  package func backwardData(
    outputGradient: UnsafePointer<Float>, weights: UnsafePointer<Float>,
    into inputGradient: UnsafeMutablePointer<Float>
  ) {
    let (outputGradient, weights) = operands.round(
      (outputGradient, outputCount), (weights, weightsCount))
    forEachChunk { first, images in
      let width = images * outputSize
      let source = gather(outputGradient, first: first, images: images)
      let direct = geometry.isPointwise && images == 1
      let target =
        direct ? inputGradient + first * inputStride : columns.reserve(unfolding.rows * width)
      forEachGroup { group in
        Gemm.multiply(
          Gemm.Operand(weights + group.weights, stride: group.inner, transposed: true),
          Gemm.Operand(source + group.index * group.outputs * width, stride: width),
          rows: group.inner, columns: width, inner: group.outputs,
          into: target + group.index * group.inner * width)
      }
      if !direct {
        unfolding.fold(
          target, images: images, rowStride: width, into: inputGradient + first * inputStride)
      }
    }
  }

  /// weightGradient ← weightGradient + outputGradient ⋆ input, and
  /// biasGradient ← biasGradient + Σ outputGradient over images and positions.
  package func backwardWeights(
    input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    addingTo weightGradient: UnsafeMutablePointer<Float>,
    bias biasGradient: UnsafeMutablePointer<Float>? = nil
  ) {
    let (input, outputGradient) = operands.round((input, inputCount), (outputGradient, outputCount))
    if let biasGradient {
      ChannelKernel.addSums(
        outputGradient,
        over: ChannelExtents(outer: geometry.batch, channels: outputChannels, inner: outputSize),
        into: biasGradient)
    }
    forEachChunk { first, images in
      let unfolded = unfold(input, first: first, images: images)
      let source = gather(outputGradient, first: first, images: images)
      let width = images * outputSize
      forEachGroup { group in
        Gemm.multiply(
          Gemm.Operand(source + group.index * group.outputs * width, stride: width),
          Gemm.Operand(
            unfolded + group.index * group.inner * width, stride: width, transposed: true),
          rows: group.outputs, columns: group.inner, inner: width, beta: 1,
          into: weightGradient + group.weights)
      }
    }
  }

  // MARK: Chunks and groups

  private var outputChannels: Int { geometry.outputChannels }
  private var outputSize: Int { geometry.outputSize }
  private var inputStride: Int { geometry.inputChannels * geometry.inputSize }
  private var outputStride: Int { outputChannels * outputSize }
  private var inputCount: Int { geometry.batch * inputStride }
  private var outputCount: Int { geometry.batch * outputStride }
  private var weightsCount: Int { outputChannels * unfolding.rows / geometry.groups }

  private struct Group {
    let index: Int
    /// Output channels of a group, and products summed for each value.
    let outputs: Int
    let inner: Int
    /// Where the group's weights start.
    var weights: Int { index * outputs * inner }
  }

  private func forEachGroup(_ body: (Group) -> Void) {
    let outputs = outputChannels / geometry.groups
    let inner = unfolding.rows / geometry.groups
    for index in 0..<geometry.groups {
      body(Group(index: index, outputs: outputs, inner: inner))
    }
  }

  private func forEachChunk(_ body: (_ first: Int, _ images: Int) -> Void) {
    for first in stride(from: 0, to: geometry.batch, by: imagesPerChunk) {
      body(first, min(imagesPerChunk, geometry.batch - first))
    }
  }

  /// The chunk's windows, `[K·groups, images · ∏output]`; the image itself where that is the same.
  private func unfold(
    _ input: UnsafePointer<Float>, first: Int, images: Int
  ) -> UnsafePointer<Float> {
    let start = input + first * inputStride
    if geometry.isPointwise && images == 1 { return start }
    let width = images * outputSize
    let target = columns.reserve(unfolding.rows * width)
    unfolding.unfold(start, images: images, rowStride: width, into: target)
    return UnsafePointer(target)
  }

  /// The chunk's outputs as `[outputChannels, images · ∏output]`.
  private func gather(
    _ output: UnsafePointer<Float>, first: Int, images: Int
  ) -> UnsafePointer<Float> {
    let start = output + first * outputStride
    if images == 1 { return start }
    let target = staging.reserve(outputChannels * images * outputSize)
    Blocks.transposeOuter(start, images, outputChannels, block: outputSize, into: target)
    return UnsafePointer(target)
  }

  private func scatter(
    _ staged: UnsafePointer<Float>, first: Int, images: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    Blocks.transposeOuter(
      staged, outputChannels, images, block: outputSize, into: output + first * outputStride)
  }
}
