import CaffeCore
import CaffeKernels
import CaffeSchema

/// The items of a batch that are a micro-batch. Nets insert it by themselves.
///
/// - Bottom: `[n, …]`; top: `[m, …]` with the m items of the micro-batch at work.
final class TakeMicroBatchLayer: MicroBatchLayer {
  static let kind = LayerKind(
    "TakeMicroBatch", bottoms: .exactly(1), tops: .exactly(1),
    documentation: LayerDocumentation("Takes a micro-batch out of a batch", source: "none")
  ) { try TakeMicroBatchLayer($0, context: $1) }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    [try bottoms[0].ofItems(batches.size(of: bottoms[0][0]))]
  }

  override func forward() throws {
    let extent = bottom[0].shape.count(from: 1)
    Blocks.copyRows(
      bottom[0].data.read() + batches.firstItem * extent, stride: extent, rows: top[0].shape[0],
      extent: extent, into: top[0].data.overwrite(), stride: extent)
  }
}

extension Shape {
  /// The shape of another number of items.
  func ofItems(_ count: Int) throws -> Shape { try Shape([count] + dimensions.dropFirst()) }
}
