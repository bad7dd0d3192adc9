import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Joins its bottoms along one axis.
///
/// - Bottoms: one or more blobs whose shapes differ on `axis` alone; top: the same shape with the
///   sum of their extents on that axis. A single bottom is passed on without a copy.
///
/// Source: BVLC Caffe, `concat_layer.cpp`.
final class ConcatLayer: Layer {
  static let kind = LayerKind(
    "Concat", bottoms: .atLeast(1), tops: .exactly(1), topMemory: .viewOfOnlyBottom,
    gradientReadsBottoms: LayerKind.always(false),
    documentation: LayerDocumentation(
      "Joins its bottoms along one axis", parameterFields: ["concat_param"],
      source: "concat_layer.cpp")
  ) { try ConcatLayer($0, context: $1) }

  private let axis: Int

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let concat = parameter.concatParam
    guard !(concat.hasAxis && concat.hasConcatDim) else {
      throw CaffeError("Either axis or concat_dim should be specified; not both.")
    }
    axis = concat.hasConcatDim ? concat.concatDim : concat.axis
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let axis = try bottoms[0].axis(axis)
    var joined = bottoms[0].dimensions
    for (index, shape) in bottoms.enumerated().dropFirst() {
      guard shape.axes == joined.count else {
        throw CaffeError(
          "all bottoms must have as many axes: bottom 0 has \(bottoms[0]), bottom \(index) \(shape)"
        )
      }
      for other in 0..<shape.axes where other != axis && shape[other] != joined[other] {
        throw CaffeError(
          "bottoms may differ on axis \(axis) alone: bottom 0 has \(bottoms[0]), bottom \(index) \(shape)"
        )
      }
      joined[axis] += shape[axis]
    }
    return [try Shape(joined)]
  }

  override func reshape() throws {
    if bottom.count == 1 { top[0].share(bottom[0]) }
  }

  override func forward() throws {
    guard bottom.count > 1 else { return }
    let output = top[0].data.overwrite()
    try forEachPart { part, offset, rows, extent, stride in
      Blocks.copyRows(
        part.data.read(), stride: extent, rows: rows, extent: extent, into: output + offset,
        stride: stride)
    }
  }

  override func backward(propagateDown: [Bool]) throws {
    guard bottom.count > 1 else { return }
    let gradient = top[0].diff.read()
    var index = 0
    try forEachPart { part, offset, rows, extent, stride in
      defer { index += 1 }
      guard propagateDown[index] else { return }
      Blocks.copyRows(
        gradient + offset, stride: stride, rows: rows, extent: extent,
        into: part.diff.overwrite(), stride: extent)
    }
  }

  /// Each bottom with its place in the rows of the top.
  private func forEachPart(
    _ body: (_ part: Blob, _ offset: Int, _ rows: Int, _ extent: Int, _ stride: Int) -> Void
  ) throws {
    let axis = try top[0].shape.axis(axis)
    let stride = top[0].shape.count(from: axis)
    var offset = 0
    for part in bottom {
      let extent = part.shape.count(from: axis)
      body(part, offset, part.shape.count(before: axis), extent, stride)
      offset += extent
    }
  }
}
