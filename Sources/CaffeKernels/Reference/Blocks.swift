import CaffeKernelsC

/// Copies between buffers of different strides: Concat, Slice, Crop, Tile, Permute and Split.
package enum Blocks {
  /// output[Σ iₖ·outputStridesₖ] ← input[Σ iₖ·inputStridesₖ] (or += when adding), for every index
  /// below `extents`. Strides are in floats; an input stride of 0 repeats, and no two indices may
  /// share an output element.
  package static func copy(
    _ input: UnsafePointer<Float>, strides inputStrides: [Int], extents: [Int],
    adding: Bool = false, into output: UnsafeMutablePointer<Float>, strides outputStrides: [Int]
  ) {
    precondition(
      inputStrides.count == extents.count && outputStrides.count == extents.count
        && extents.count <= Int(CK_MAX_COPY_AXES), "one stride per axis")
    guard extents.allSatisfy({ $0 > 0 }) else { return }
    guard !extents.isEmpty else {
      output.pointee = adding ? output.pointee + input.pointee : input.pointee
      return
    }
    ck_copy_strided(
      input, inputStrides, extents.count, extents, adding ? 1 : 0, outputStrides, output)
  }

  /// Copies (or adds) `rows` rows of `extent` floats between buffers whose rows lie `stride`s apart.
  package static func copyRows(
    _ input: UnsafePointer<Float>, stride: Int, rows: Int, extent: Int, adding: Bool = false,
    into output: UnsafeMutablePointer<Float>, stride outputStride: Int
  ) {
    copy(
      input, strides: [stride, 1], extents: [rows, extent], adding: adding, into: output,
      strides: [outputStride, 1])
  }

  /// `[rows, columns, block]` → `[columns, rows, block]`
  package static func transposeOuter(
    _ input: UnsafePointer<Float>, _ rows: Int, _ columns: Int, block: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    copy(
      input, strides: [block, columns * block, 1], extents: [columns, rows, block], into: output,
      strides: [rows * block, block, 1])
  }

  /// output ← the sum of buffers of `count` values, in their order; `output` may be the first one.
  package static func sum(
    _ inputs: [UnsafePointer<Float>], count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    sumRows(inputs, stride: count, rows: 1, extent: count, through: nil, into: output)
  }

  /// A ReLU that a gradient passes on its way down: its outputs, which lie as the gradients do.
  package typealias PassedReLU = (outputs: UnsafePointer<Float>, slope: Float)

  /// The rows of `extent` floats of `output`, one behind the other, become the sums of those of the
  /// inputs, in their order, which lie `stride` floats apart.
  package static func sumRows(
    _ inputs: [UnsafePointer<Float>], stride: Int, rows: Int, extent: Int,
    through relu: PassedReLU?, into output: UnsafeMutablePointer<Float>
  ) {
    precondition(!inputs.isEmpty, "a sum of at least one buffer")
    let optional = inputs.map(Optional.some)
    ck_sum_rows(
      optional, inputs.count, stride, rows, extent, relu?.outputs, relu?.slope ?? 0, output)
  }
}
