import CaffeKernels

/// Memory that storages use one after the other: stretches of a few large chunks. Not thread-safe.
///
/// Neighbouring stretches become one when nobody uses them, so that what many small blobs have given
/// back serves a large one. Memory of a chunk costs nothing before it is first written to.
package final class MemoryPool {
  /// A part of a chunk.
  struct Stretch {
    fileprivate let chunk: Int
    fileprivate var offset: Int
    fileprivate var byteCount: Int

    fileprivate var end: Int { offset + byteCount }

    fileprivate func isBefore(_ other: Stretch) -> Bool {
      (chunk, offset) < (other.chunk, other.offset)
    }
  }

  private static let page = 4096

  private var chunks: [AlignedMemory] = []
  /// In the order of the chunks, none next to another.
  private var unused: [Stretch] = []
  private let expected: Int

  /// - Parameter bytes: of all that will ever be taken side by side, roughly; within one chunk of that
  ///   size stretches join best.
  package init(expecting bytes: Int) { expected = bytes }

  /// Bytes of all chunks.
  package var byteCount: Int { chunks.reduce(0) { $0 + $1.byteCount } }

  /// The first unused stretch with room for `byteCount` bytes, or the start of a new chunk. What it
  /// holds is undefined.
  func take(_ byteCount: Int) -> MemoryBlock {
    let stagger = AlignedMemory.nextStagger(of: byteCount)
    let needed = ((byteCount + stagger) / Self.page + 1) * Self.page
    let index =
      unused.firstIndex { $0.byteCount >= needed } ?? addChunk(atLeast: needed, for: byteCount)
    var stretch = unused[index]
    if stretch.byteCount == needed {
      unused.remove(at: index)
    } else {
      stretch.byteCount = needed
      unused[index].offset += needed
      unused[index].byteCount -= needed
    }
    return MemoryBlock(
      chunks[stretch.chunk].pointer + stretch.offset + stagger, byteCount: byteCount, stretch)
  }

  func give(_ block: MemoryBlock) {
    guard let stretch = block.stretch else { return }
    var index = unused.firstIndex { stretch.isBefore($0) } ?? unused.count
    unused.insert(stretch, at: index)
    if index > 0, join(index - 1) { index -= 1 }
    _ = join(index)
  }

  /// Joins a stretch with the one behind it if they touch.
  private func join(_ index: Int) -> Bool {
    guard index + 1 < unused.count, unused[index].chunk == unused[index + 1].chunk,
      unused[index].end == unused[index + 1].offset
    else { return false }
    unused[index].byteCount += unused.remove(at: index + 1).byteCount
    return true
  }

  /// The place in `unused` of a new chunk; ends the program where the system does not grant the bytes
  /// that were asked for, rounded up to `needed`.
  private func addChunk(atLeast needed: Int, for byteCount: Int) -> Int {
    let wanted = (chunks.isEmpty ? expected : self.byteCount / 2) / Self.page * Self.page
    guard
      let chunk = AlignedMemory.granted(max(needed, wanted)) ?? AlignedMemory.granted(needed)
    else { SystemMemory.exhausted(byteCount) }
    chunks.append(chunk)
    unused.append(Stretch(chunk: chunks.count - 1, offset: 0, byteCount: chunk.byteCount))
    return unused.count - 1
  }
}

/// Lends a scratchpad, from one layer to the next, what no blob needs at that time.
package final class PooledScratch: ScratchSource {
  private let pool: MemoryPool
  private var block: MemoryBlock?

  package init(_ pool: MemoryPool) { self.pool = pool }

  deinit { giveBack() }

  package func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
    giveBack()
    let block = pool.take(byteCount)
    self.block = block
    return block.pointer
  }

  package func giveBack() {
    if let block { pool.give(block) }
    block = nil
  }
}

/// Memory of a storage: its own, or a stretch of a pool, which the storage keeps alive.
struct MemoryBlock {
  let pointer: UnsafeMutableRawPointer
  let byteCount: Int
  fileprivate let stretch: MemoryPool.Stretch?
  /// `nil` for a stretch of a pool.
  let owned: AlignedMemory?

  fileprivate init(
    _ pointer: UnsafeMutableRawPointer, byteCount: Int, _ stretch: MemoryPool.Stretch
  ) {
    self.pointer = pointer
    self.byteCount = byteCount
    self.stretch = stretch
    owned = nil
  }

  /// Of its own, and zero.
  init(byteCount: Int) {
    let memory = AlignedMemory(byteCount: byteCount)
    pointer = memory.pointer
    self.byteCount = byteCount
    stretch = nil
    owned = memory
  }
}
