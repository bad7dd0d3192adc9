import CaffeErrors

/// All arithmetic on the extents of a convolution, for any number of spatial axes.
///
/// - Input `[batch, inputChannels, input…]`, weights `[outputChannels, inputChannels / groups, kernel…]`,
///   output `[batch, outputChannels, output…]`,
///   `output = floor((input + 2·pad − (dilation·(kernel − 1) + 1)) / stride) + 1`.
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
      throw CaffeError("the bottom's \(inputChannels) channels are not a multiple of group \(groups)")
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
    output = try input.indices.map { axis in
      let window = dilation[axis] * (kernel[axis] - 1) + 1
      let room = input[axis] + 2 * pad[axis] - window
      guard room >= 0 else {
        throw CaffeError(
          "a window of \(window) does not fit into the bottom's \(input[axis])"
            + " with pad \(pad[axis]) on spatial axis \(axis)")
      }
      return room / stride[axis] + 1
    }
  }
}
