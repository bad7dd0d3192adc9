import CaffeCore
import CaffeKernels
import CaffeSchema

/// Puts what layers have made of each micro-batch together. Nets insert it by themselves.
///
/// - Bottoms: `[m, …]`, of the micro-batch at work, and a blob `[n, …]` of the whole batch; top: `[n, …]`,
///   of which a pass writes the m items, in the order of the first bottom where that has a name.
final class JoinMicroBatchesLayer: MicroBatchLayer {
  static let kind = LayerKind(
    "JoinMicroBatches", bottoms: .exactly(2), tops: .exactly(1),
    documentation: LayerDocumentation("Puts micro-batches together", source: "none")
  ) { try JoinMicroBatchesLayer($0, context: $1) }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    [try bottoms[0].ofItems(bottoms[1][0])]
  }

  override func reshape() throws { top[0].data.announce(order) }

  override func forward() throws {
    let (items, order) = (bottom[0].shape[0], order)
    guard items > 0 else { return }
    let part = order == nil ? nil : bottom[0].data.layout
    let extent = bottom[0].data.extent(in: part) / items
    Blocks.copyRows(
      bottom[0].data.read(in: part), stride: extent, rows: items, extent: extent,
      into: top[0].data.overwrite(in: order) + batches.firstItem * extent, stride: extent)
  }

  /// The order of the first bottom for the whole batch, `nil` where it is plain or has no name.
  private var order: (any PackedLayout)? {
    bottom[0].data.layout?.resized(to: top[0].shape.dimensions)
  }
}
