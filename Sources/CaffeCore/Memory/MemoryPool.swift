/// Blocks of memory that storages use one after the other. Not thread-safe.
package final class MemoryPool {
  /// Blocks that nobody uses now, the smallest first.
  private var unused: [AlignedMemory] = []

  package init() {}

  /// The smallest unused block with room for `byteCount` bytes, or a new one. What it holds is
  /// undefined.
  func take(_ byteCount: Int) -> AlignedMemory {
    if let index = unused.firstIndex(where: { $0.byteCount >= byteCount }) {
      return unused.remove(at: index)
    }
    return AlignedMemory(byteCount: byteCount)
  }

  func give(_ block: AlignedMemory) {
    let index = unused.firstIndex { $0.byteCount >= block.byteCount } ?? unused.count
    unused.insert(block, at: index)
  }
}
