import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// The places, or the values, of the `top_k` largest scores, largest first.
///
/// - Bottom: `[n, …]`; top without `axis`: for each item of the batch, `[n, 1, top_k, 1…]` places in
///   its flattened scores; with `out_max_val`, `[n, 2, top_k, 1…]`, places and then values. The top
///   has as many axes as the bottom, but at least 3.
/// - Top with `axis`: the bottom's shape with `top_k` on that axis, holding places, or with
///   `out_max_val` the values instead.
///
/// Of equal scores the later one comes first. There is no gradient.
///
/// Source: BVLC Caffe, `argmax_layer.cpp`.
final class ArgMaxLayer: Layer {
  static let kind = LayerKind(
    "ArgMax", bottoms: .exactly(1), tops: .exactly(1), isForwardOnly: true,
    documentation: LayerDocumentation(
      "The places, or the values, of the top_k largest scores, largest first",
      parameterFields: ["argmax_param"], source: "argmax_layer.cpp")
  ) { try ArgMaxLayer($0, context: $1) }

  private let count: Int
  private let axis: Int?
  private let showsValues: Bool

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let argmax = parameter.argmaxParam
    guard argmax.topK >= 1 else {
      throw CaffeError("top_k must not be less than 1, got \(argmax.topK)")
    }
    count = argmax.topK
    axis = argmax.hasAxis ? argmax.axis : nil
    showsValues = argmax.outMaxVal
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let bottom = bottoms[0]
    let extents = try extents(of: bottom)
    guard count <= extents.channels else {
      throw CaffeError("top_k must be at most the \(extents.channels) scores, got \(count)")
    }
    if let axis {
      var dimensions = bottom.dimensions
      dimensions[try bottom.axis(axis)] = count
      return [try Shape(dimensions)]
    }
    let ones = Array(repeating: 1, count: max(0, bottom.axes - 3))
    return [try Shape([bottom[0], showsValues ? 2 : 1, count] + ones)]
  }

  /// The scores among which the largest are sought are the "channels".
  private func extents(of bottom: Shape) throws -> SoftmaxExtents {
    if let axis {
      let axis = try bottom.axis(axis)
      return SoftmaxExtents(
        outer: bottom.count(before: axis), channels: bottom[axis],
        inner: bottom.count(from: axis + 1))
    }
    guard bottom.axes >= 1 else {
      throw CaffeError("the bottom must have at least 1 axis, [n, …], got a scalar")
    }
    return SoftmaxExtents(outer: bottom[0], channels: bottom.count(from: 1), inner: 1)
  }

  override func forward() throws {
    let extents = try extents(of: bottom[0].shape)
    let input = bottom[0].data.read()
    let output = top[0].data.overwrite()
    if axis != nil {
      TopKernel.find(
        input, extents, top: count, outerStride: count * extents.inner,
        indices: showsValues ? nil : output, values: showsValues ? output : nil)
    } else {
      TopKernel.find(
        input, extents, top: count, outerStride: showsValues ? 2 * count : count, indices: output,
        values: showsValues ? output + count : nil)
    }
  }
}
