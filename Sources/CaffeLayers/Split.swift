import CaffeCore
import CaffeKernels
import CaffeSchema

/// Hands one blob to several readers. Nets insert it by themselves.
///
/// - Bottom: any shape; tops: that shape, sharing the bottom's values. Backward adds up the
///   gradients of those tops that got one.
///
/// Source: BVLC Caffe, `split_layer.cpp`.
final class SplitLayer: Layer {
  static let kind = LayerKind(
    "Split", bottoms: .exactly(1), tops: .atLeast(1), topMemory: .view,
    documentation: LayerDocumentation(
      "Hands one blob to several readers; nets insert it by themselves", source: "split_layer.cpp")
  ) { try SplitLayer($0, context: $1) }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    Array(repeating: bottoms[0], count: parameter.top.count)
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool { true }

  override func reshape() throws {
    for blob in top { blob.data.share(bottom[0].data) }
  }

  /// The gradients of the tops that get one.
  var gradients: [Tensor] { zip(top, topHasGradient).filter(\.1).map(\.0.diff) }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let parts = gradients
    let gradient = bottom[0].diff
    guard let first = parts.first else {
      gradient.overwrite().update(repeating: 0, count: gradient.count)
      return
    }
    let order = first.layout
    let sources = parts.map { $0.read(in: order) }
    Blocks.sum(sources, count: first.extent(in: order), into: gradient.overwrite(in: order))
  }
}
