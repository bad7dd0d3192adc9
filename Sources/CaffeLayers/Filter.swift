import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Keeps the items of a batch that a selector marks.
///
/// - Bottoms: one or more `[n, …]`, then the selector: n values, `[n]` or `[n, 1, …]`, of which those
///   other than 0 mark an item; tops: for each bottom but the selector `[m, …]`, its marked items.
///
/// How many items that is shows only when the net runs: until then the tops have room for all n.
/// None marked leaves an empty batch, which the layers above pass on. The selector's gradient is 0.
///
/// Source: BVLC Caffe, `filter_layer.cpp`.
final class FilterLayer: Layer {
  static let kind = LayerKind(
    "Filter", bottoms: .atLeast(2), tops: .atLeast(1),
    documentation: LayerDocumentation(
      "Keeps the items of a batch that the last bottom marks", source: "filter_layer.cpp")
  ) { try FilterLayer($0, context: $1) }

  /// The items marked in the last forward pass.
  private var marked: [Float] = []

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let (bottoms, tops) = (parameter.bottom.count, parameter.top.count)
    guard tops == bottoms - 1 else {
      throw CaffeError(
        "Filter Layer produces one top blob for each bottom blob but the last, the selector: \(bottoms) bottoms, \(tops) tops"
      )
    }
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let selector = bottoms[bottoms.count - 1]
    guard selector.axes >= 1, selector.count(from: 1) == 1 else {
      throw CaffeError(
        "the selector must have shape [n] or [n, 1, …], one value for each item, got \(selector)")
    }
    for (index, shape) in bottoms.dropLast().enumerated()
    where shape.axes == 0 || shape[0] != selector[0] {
      throw CaffeError(
        "each bottom must have as many items as the selector has values (\(selector[0])): bottom \(index) has \(shape)"
      )
    }
    return Array(bottoms.dropLast())
  }

  override func forward() throws {
    let selector = bottom[bottom.count - 1].data.values
    marked = selector.indices.filter { selector[$0] != 0 }.map(Float.init)
    for (index, (part, selected)) in zip(bottom, top).enumerated() {
      selected.reshape(try Shape([marked.count] + part.shape.dimensions[1...]))
      LookupKernel.gather(
        part.data.read(), indices: marked, count: marked.count, width: part.shape.count(from: 1),
        into: selected.data.overwrite())
      // A loss's weight stands in its gradient; the number of values may have changed.
      if lossWeights[index] != 0 {
        Vector.fill(selected.diff.overwrite(), with: lossWeights[index], count: selected.count)
      }
    }
  }

  override func backward(propagateDown: [Bool]) throws {
    for (index, part) in bottom.enumerated() where propagateDown[index] {
      let target = part.diff.overwrite()
      Vector.fill(target, with: 0, count: part.count)
      guard top.indices.contains(index) else { continue }
      LookupKernel.scatterAdd(
        top[index].diff.read(), indices: marked, count: marked.count, rows: part.shape[0],
        width: part.shape.count(from: 1), into: target)
    }
  }
}
