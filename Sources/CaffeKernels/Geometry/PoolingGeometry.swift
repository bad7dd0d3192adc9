import CaffeErrors

/// All arithmetic on the extents of a pooling, for any number of spatial axes.
///
/// - Input `[batch, channels, input…]`, output `[batch, channels, output…]`,
///   `output = round((input + 2·pad − kernel) / stride) + 1`, rounding up unless told otherwise.
///
/// A last window that would start beyond the input and its leading pad is dropped. (Caffe drops it
/// only where there is padding; elsewhere its maximum is −FLT_MAX and its average 0/0.)
///
/// Source: BVLC Caffe, `pooling_layer.cpp`.
package struct PoolingGeometry: Hashable, Sendable {
  package enum Rounding: Hashable, Sendable { case up, down }

  package let batch: Int
  package let channels: Int
  package let input: [Int]
  package let kernel: [Int]
  package let stride: [Int]
  package let pad: [Int]
  package let output: [Int]

  /// - Throws: a sentence in prototxt words when padding, kernel and input do not go together.
  package init(
    batch: Int, channels: Int, input: [Int], kernel: [Int], stride: [Int], pad: [Int],
    rounding: Rounding = .up
  ) throws {
    precondition(
      [kernel, stride, pad].allSatisfy { $0.count == input.count }, "one extent per spatial axis")
    self.batch = batch
    self.channels = channels
    self.input = input
    self.kernel = kernel
    self.stride = stride
    self.pad = pad
    output = try input.indices.map { axis in
      guard (0..<kernel[axis]).contains(pad[axis]) else {
        throw CaffeError(
          "pad must be in 0..<kernel_size (0..<\(kernel[axis])), got \(pad[axis])")
      }
      let padded = try Extent.padded(input[axis], by: pad[axis], stride: stride[axis], axis: axis)
      try Extent.check(kernel[axis], "kernel_size")
      let room = padded - kernel[axis]
      guard room >= 0 || rounding == .up && room > -stride[axis] else {
        throw CaffeError(
          "kernel_size \(kernel[axis]) does not fit into the bottom's \(input[axis])"
            + " with pad \(pad[axis]) on spatial axis \(axis)")
      }
      let steps =
        rounding == .up ? (room + stride[axis] - 1) / stride[axis] : room / stride[axis]
      let windows = max(steps, 0) + 1
      let lastStartsOutside = (windows - 1) * stride[axis] >= input[axis] + pad[axis]
      return lastStartsOutside ? windows - 1 : windows
    }
  }
}

extension PoolingGeometry {
  /// The cells one window takes along one axis.
  package struct Window: Hashable, Sendable {
    /// Cells within the input; never empty.
    package let cells: Range<Int>
    /// The window's extent within the input *and its padding*: one factor of an average's divisor.
    package let span: Int
  }

  /// The window of output position `index` along a spatial axis. Both passes ask this.
  ///
  /// It starts at `index·stride − pad` and is clipped to the input; the divisor of an average
  /// counts padding, but not what overhangs it.
  package func window(axis: Int, index: Int) -> Window {
    let start = index * stride[axis] - pad[axis]
    let paddedEnd = min(start + kernel[axis], input[axis] + pad[axis])
    return Window(
      cells: max(start, 0)..<min(paddedEnd, input[axis]), span: paddedEnd - start)
  }

  /// Values of one channel of the input and of the output.
  package var inputSize: Int { input.reduce(1, *) }
  package var outputSize: Int { output.reduce(1, *) }
  /// Values of the whole input and output.
  package var inputCount: Int { batch * channels * inputSize }
  package var outputCount: Int { batch * channels * outputSize }

  /// `32x64x112x112, kernel 3x3, …`
  package var text: String {
    "\([batch, channels].extents)x\(input.extents) to \(output.extents)"
      + " kernel \(kernel.extents) stride \(stride.extents) pad \(pad.extents)"
  }
}
