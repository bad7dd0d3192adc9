import CaffeKernelsC

/// im2col and col2im: a convolution's windows as the columns of a matrix, and back.
package struct Unfolding: Sendable {
  private let axes: Int
  /// Input, kernel, stride, pad, dilation and output extents, `axes` values each.
  private let extents: [Int]
  private let channels: Int
  private let inputSize: Int
  private let outputSize: Int
  /// Rows of the column matrix of one image.
  package let rows: Int

  package init(_ geometry: ConvolutionGeometry) {
    let missing = max(0, 2 - geometry.input.count)
    func padded(_ values: [Int], with filler: Int) -> [Int] {
      Array(repeating: filler, count: missing) + values
    }
    axes = geometry.input.count + missing
    precondition(axes <= Int(CK_MAX_AXES), "at most \(CK_MAX_AXES) spatial axes")
    extents =
      padded(geometry.input, with: 1) + padded(geometry.kernel, with: 1)
      + padded(geometry.stride, with: 1) + padded(geometry.pad, with: 0)
      + padded(geometry.dilation, with: 1) + padded(geometry.output, with: 1)
    channels = geometry.inputChannels
    inputSize = geometry.inputSize
    outputSize = geometry.outputSize
    rows = channels * geometry.taps
  }

  /// Unfolds images `[images, channels, input…]` into `[channels·∏kernel, images, output…]`.
  ///
  /// - Parameter rowStride: floats between the matrix's rows; `images · ∏output` when dense.
  package func unfold(
    _ input: UnsafePointer<Float>, images: Int, rowStride: Int,
    into columns: UnsafeMutablePointer<Float>
  ) {
    withWindows {
      ck_im2col($0, input, images, channels, channels * inputSize, rowStride, columns)
    }
  }

  /// The transpose of `unfold`: adds up the columns where they came from. Overwrites `input`.
  package func fold(
    _ columns: UnsafePointer<Float>, images: Int, rowStride: Int,
    into input: UnsafeMutablePointer<Float>
  ) {
    withWindows {
      ck_col2im($0, columns, images, channels, channels * inputSize, rowStride, input)
    }
  }

  /// The Im2col layer: each image's columns apart, `[images, channels·∏kernel, output…]`.
  package func unfoldEach(
    _ input: UnsafePointer<Float>, images: Int, into columns: UnsafeMutablePointer<Float>
  ) {
    for image in 0..<images {
      unfold(
        input + image * channels * inputSize, images: 1, rowStride: outputSize,
        into: columns + image * rows * outputSize)
    }
  }

  /// The backward pass of the Im2col layer: `fold` of each image's columns.
  package func foldEach(
    _ columns: UnsafePointer<Float>, images: Int, into input: UnsafeMutablePointer<Float>
  ) {
    for image in 0..<images {
      fold(
        columns + image * rows * outputSize, images: 1, rowStride: outputSize,
        into: input + image * channels * inputSize)
    }
  }

  private func withWindows(_ body: (UnsafePointer<ck_windows>) -> Void) {
    extents.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      var windows = ck_windows(
        axes: axes, input: start, kernel: start + axes, stride: start + 2 * axes,
        pad: start + 3 * axes, dilation: start + 4 * axes, output: start + 5 * axes)
      body(&windows)
    }
  }
}
