import CaffeCore
import CaffeErrors

/// How a batch is divided into micro-batches of one size, and which of them is at work.
///
/// Where the size does not divide the batch, the last micro-batch overlaps the one before it: some items
/// are computed twice, to the same values, and nothing is prepared for another size.
package final class MicroBatches {
  private let mostItems: Int
  private var whole = 0
  private var number = 0

  /// - Parameter mostItems: of a micro-batch.
  package init(mostItems: Int) { self.mostItems = mostItems }

  /// Items in each micro-batch of so many: of the upper half of the sizes allowed, the one with the
  /// fewest items computed twice.
  package func size(of items: Int) -> Int {
    guard items > mostItems else { return items }
    let sizes = (mostItems / 2 + 1...mostItems).reversed()
    return sizes.min { count(of: items, by: $0) * $0 < count(of: items, by: $1) * $1 } ?? mostItems
  }

  private func count(of items: Int, by size: Int) -> Int { (items + size - 1) / size }

  /// Begins with a batch of so many items.
  ///
  /// - Parameter items: of each blob that goes into the layers.
  /// - Returns: how many micro-batches there are; one of a batch without items, for its shapes.
  /// - Throws: where the blobs differ.
  package func begin(_ items: [Int]) throws -> Int {
    whole = items.first ?? 0
    if let other = items.first(where: { $0 != whole }) {
      throw CaffeError(
        "the blobs that go into these layers must have as many items, got \(whole) and \(other)")
    }
    return whole == 0 ? 1 : count(of: whole, by: size(of: whole))
  }

  /// Goes on to a micro-batch, counted from 0.
  package func advance(to number: Int) { self.number = number }

  /// The first item of the micro-batch at work.
  package var firstItem: Int {
    let size = size(of: whole)
    return min(number * size, whole - size)
  }
}

/// A layer at the beginning or the end of a sweep.
class MicroBatchLayer: Layer {
  /// Those of the sweep; alone, all items are one.
  final var batches = MicroBatches(mostItems: .max)
}
