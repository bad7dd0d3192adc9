/// Memory that a scratchpad has for a while.
package protocol ScratchSource: AnyObject {
  /// What it holds is undefined; aligned to 64 bytes.
  func take(_ byteCount: Int) -> UnsafeMutableRawPointer
  /// Ends the use of what was taken last.
  func giveBack()
}

/// Working memory of operations that never run at the same time: as large as the neediest of them.
///
/// A net makes one and hands it to every operation it builds; what an operation keeps between its
/// runs does not live here. Not safe to share between threads that run operations.
package final class Scratchpad {
  /// A part of the scratchpad that an operation has claimed for the length of one run.
  package struct Region {
    fileprivate let offset: Int
    /// Of all regions of the run.
    fileprivate let end: Int
  }

  static let alignment = 4096

  package private(set) var byteCount = 0
  private var base: UnsafeMutableRawPointer?
  /// Bytes at `base`.
  private var held = 0
  private var source: (any ScratchSource)?

  package init() {}

  deinit { release() }

  /// Has memory from `source` from now on, and only until `rest`.
  package func draw(from source: any ScratchSource) {
    release()
    self.source = source
  }

  /// Has no memory at the moment.
  package var isResting: Bool { base == nil }

  /// Between two layers: gives back what is from a source.
  package func rest() {
    if source != nil { release() }
  }

  /// Claims regions that one run uses side by side; regions of different runs overlap.
  func claim(_ byteCounts: [Int]) -> [Region] {
    let lengths = byteCounts.map { ($0 + 63) / 64 * 64 }
    let end = lengths.reduce(0, +)
    grow(to: end)
    var offset = 0
    return lengths.map { length in
      defer { offset += length }
      return Region(offset: offset, end: end)
    }
  }

  package func claim(_ byteCount: Int) -> Region { claim([byteCount])[0] }

  /// Valid until `rest`, or until the next operation runs or is built on this scratchpad; `nil` for a run
  /// that has claimed no byte.
  package func pointer(to region: Region) -> UnsafeMutableRawPointer? {
    guard region.end > 0 else { return nil }
    if held < region.end {
      release()
      // From a source no more than this run needs: what is left is for blobs.
      held = source == nil ? byteCount : region.end
      base = source?.take(held) ?? SystemMemory.block(held, alignment: Self.alignment)
    }
    return base.map { $0 + region.offset }
  }

  private func grow(to bytes: Int) {
    guard bytes > byteCount else { return }
    release()
    byteCount = bytes
  }

  private func release() {
    guard let base else { return }
    if let source { source.giveBack() } else { base.deallocate() }
    self.base = nil
    held = 0
  }
}
