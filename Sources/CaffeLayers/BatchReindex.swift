import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Picks items of a batch by number, in any order and as often as wanted.
///
/// - Bottoms: x `[n, …]`, and m indices `[m]` of `0..<n`, which get no gradient; top: `[m, …]`,
///   y[i] = x[indices[i]].
///
/// Source: BVLC Caffe, `batch_reindex_layer.cpp`.
final class BatchReindexLayer: Layer {
  static let kind = LayerKind(
    "BatchReindex", bottoms: .exactly(2), tops: .exactly(1), labels: [1],
    documentation: LayerDocumentation(
      "Picks items of a batch by number, in any order and as often as wanted",
      formula: "y[i] = x[indices[i]]", source: "batch_reindex_layer.cpp")
  ) { try BatchReindexLayer($0, context: $1) }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    guard bottoms[0].axes >= 1 else {
      throw CaffeError("the first bottom must have at least 1 axis, [n, …], got a scalar")
    }
    guard bottoms[1].axes == 1 else {
      throw CaffeError("the second bottom, the indices, must have 1 axis, got \(bottoms[1])")
    }
    return [try Shape([bottoms[1][0]] + bottoms[0].dimensions[1...])]
  }

  private var width: Int { bottom[0].shape.count(from: 1) }

  override func forward() throws {
    let indices = bottom[1].data.read()
    try IndexCheck.range(
      indices, count: bottom[1].count, limit: bottom[0].shape[0], called: "batch")
    LookupKernel.gather(
      bottom[0].data.read(), indices: indices, count: bottom[1].count, width: width,
      into: top[0].data.overwrite())
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let target = bottom[0].diff.overwrite()
    Vector.fill(target, with: 0, count: bottom[0].count)
    LookupKernel.scatterAdd(
      top[0].diff.read(), indices: bottom[1].data.read(), count: bottom[1].count,
      rows: bottom[0].shape[0], width: width, into: target)
  }
}
