/// Working memory of operations that never run at the same time: as large as the neediest of them.
///
/// A net makes one and hands it to every operation it builds; what an operation keeps between its
/// runs does not live here. Not safe to share between threads that run operations.
package final class Scratchpad {
  /// A part of the scratchpad that an operation has claimed for the length of one run.
  struct Region {
    fileprivate let offset: Int
  }

  static let alignment = 4096

  package private(set) var byteCount = 0
  private var base: UnsafeMutableRawPointer?

  package init() {}

  deinit {
    base?.deallocate()
  }

  /// Claims regions that one run uses side by side; regions of different runs overlap.
  func claim(_ byteCounts: [Int]) -> [Region] {
    var end = 0
    let regions = byteCounts.map { bytes in
      defer { end += (bytes + 63) / 64 * 64 }
      return Region(offset: end)
    }
    grow(to: end)
    return regions
  }

  func claim(_ byteCount: Int) -> Region { claim([byteCount])[0] }

  /// Valid until the next operation is built on this scratchpad.
  func pointer(to region: Region) -> UnsafeMutableRawPointer? {
    base.map { $0 + region.offset }
  }

  private func grow(to bytes: Int) {
    guard bytes > byteCount else { return }
    base?.deallocate()
    base = .allocate(byteCount: bytes, alignment: Self.alignment)
    byteCount = bytes
  }
}
