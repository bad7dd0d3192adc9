import CaffeErrors

/// All arithmetic on the extents of a convolution, for any number of spatial axes.
///
/// - Input `[batch, inputChannels, input…]`, weights `[outputChannels, inputChannels / groups, kernel…]`,
///   output `[batch, outputChannels, output…]`,
///   `output = floor((input + 2·pad − (dilation·(kernel − 1) + 1)) / stride) + 1`.
///
/// A window that does not fit counts once all the same if it overhangs by less than a stride (Caffe
/// divides towards 0): what lies beyond the input and its padding is 0.
///
/// Both engines and both passes ask this struct; it is also the key under which primitives are cached.
///
/// Source: BVLC Caffe, `base_conv_layer.cpp`, `conv_layer.cpp`.
package struct ConvolutionGeometry: Hashable, Sendable {
  package let batch: Int
  package let inputChannels: Int
  package let outputChannels: Int
  package let groups: Int
  package let input: [Int]
  package let kernel: [Int]
  package let stride: [Int]
  package let pad: [Int]
  package let dilation: [Int]
  package let output: [Int]

  /// - Throws: a sentence in prototxt words when channels do not divide or a window does not fit.
  package init(
    batch: Int, inputChannels: Int, outputChannels: Int, groups: Int = 1,
    input: [Int], kernel: [Int], stride: [Int], pad: [Int], dilation: [Int]
  ) throws {
    precondition(
      [kernel, stride, pad, dilation].allSatisfy { $0.count == input.count },
      "one extent per spatial axis")
    guard inputChannels % groups == 0 else {
      throw CaffeError(
        "the bottom's \(inputChannels) channels are not a multiple of group \(groups)")
    }
    guard outputChannels % groups == 0 else {
      throw CaffeError("num_output \(outputChannels) is not a multiple of group \(groups)")
    }
    self.batch = batch
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.groups = groups
    self.input = input
    self.kernel = kernel
    self.stride = stride
    self.pad = pad
    self.dilation = dilation
    try Extent.check(productOf: kernel, "the cells of a window")
    output = try input.indices.map { axis in
      let padded = try Extent.padded(input[axis], by: pad[axis], stride: stride[axis], axis: axis)
      let window = dilation[axis] * (kernel[axis] - 1) + 1
      let room = padded - window
      guard room > -stride[axis] else {
        let reach = dilation[axis] > 1 ? " with dilation \(dilation[axis])" : ""
        throw CaffeError(
          "kernel_size \(kernel[axis])\(reach) does not fit into the bottom's \(input[axis])"
            + " with pad \(pad[axis]) on spatial axis \(axis)")
      }
      return room / stride[axis] + 1
    }
  }

  /// The same convolution of another number of items.
  package func ofItems(_ count: Int) throws -> ConvolutionGeometry {
    try ConvolutionGeometry(
      batch: count, inputChannels: inputChannels, outputChannels: outputChannels, groups: groups,
      input: input, kernel: kernel, stride: stride, pad: pad, dilation: dilation)
  }
}

extension ConvolutionGeometry {
  /// The convolution of which a deconvolution is the transpose.
  ///
  /// A deconvolution from `[batch, inputChannels, input…]` makes `[batch, outputChannels, output…]`,
  /// `output = stride·(input − 1) + dilation·(kernel − 1) + 1 − 2·pad`; its weights are
  /// `[inputChannels, outputChannels / groups, kernel…]`. The returned geometry's *output* is the
  /// deconvolution's bottom, and its *input* the top.
  ///
  /// - Throws: a sentence in prototxt words when channels do not divide or no top is left.
  ///
  /// Source: BVLC Caffe, `deconv_layer.cpp`.
  package init(
    transposeOf batch: Int, inputChannels: Int, outputChannels: Int, groups: Int = 1,
    input: [Int], kernel: [Int], stride: [Int], pad: [Int], dilation: [Int]
  ) throws {
    guard inputChannels % groups == 0 else {
      throw CaffeError(
        "the bottom's \(inputChannels) channels are not a multiple of group \(groups)")
    }
    guard outputChannels % groups == 0 else {
      throw CaffeError("num_output \(outputChannels) is not a multiple of group \(groups)")
    }
    let top = try input.indices.map { axis in
      let window = dilation[axis] * (kernel[axis] - 1) + 1
      let extent = stride[axis] * (input[axis] - 1) + window - 2 * pad[axis]
      guard extent > 0 else {
        throw CaffeError("pad \(pad[axis]) leaves nothing of the top on spatial axis \(axis)")
      }
      return extent
    }
    try self.init(
      batch: batch, inputChannels: outputChannels, outputChannels: inputChannels, groups: groups,
      input: top, kernel: kernel, stride: stride, pad: pad, dilation: dilation)
  }

  /// Values of one channel of the input and of the output.
  package var inputSize: Int { input.reduce(1, *) }
  package var outputSize: Int { output.reduce(1, *) }
  /// Taps of a window.
  package var taps: Int { kernel.reduce(1, *) }
  /// Values of the whole input, output and weights.
  package var inputCount: Int { batch * inputChannels * inputSize }
  package var outputCount: Int { batch * outputChannels * outputSize }
  package var weightCount: Int { outputChannels * (inputChannels / groups) * taps }

  /// Multiplications of a value by a weight, each with an addition.
  package var multiplyAdds: Int { batch * outputSize * weightCount }

  /// Whether the only window along some axis is larger than the input and its padding.
  package var overhangs: Bool {
    input.indices.contains {
      input[$0] + 2 * pad[$0] < dilation[$0] * (kernel[$0] - 1) + 1
    }
  }

  /// Whether each window is one cell and the windows are the cells: no unfolding is needed.
  package var isPointwise: Bool {
    taps == 1 && stride.allSatisfy { $0 == 1 } && pad.allSatisfy { $0 == 0 }
  }

  /// `8x64x56x56 to 128 kernel 3x3 …`
  package var text: String {
    "\([batch, inputChannels].extents)x\(input.extents) to \(outputChannels)"
      + " kernel \(kernel.extents) stride \(stride.extents) pad \(pad.extents)"
      + " dilation \(dilation.extents) group \(groups)"
  }
}

extension [Int] {
  /// `3x3`
  var extents: String { map(String.init).joined(separator: "x") }
}
