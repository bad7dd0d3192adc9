import CaffeKernels
import Glibc
import Synchronization

/// A block of zeroed memory that starts on a cache line.
///
/// Large blocks start at different offsets within a page: buffers that all begin on page borders
/// evict one another from the caches when a kernel streams through several at once.
final class AlignedMemory: @unchecked Sendable {
  static let alignment = 64
  private static let staggered = Atomic<Int>(0)

  let pointer: UnsafeMutableRawPointer
  let byteCount: Int
  private let block: UnsafeMutableRawPointer

  /// Ends the program where the system grants no memory.
  convenience init(byteCount: Int) {
    guard let block = AlignedMemory.request(byteCount) else { SystemMemory.exhausted(byteCount) }
    self.init(block, byteCount: byteCount)
  }

  /// `nil` where the system does not grant so much.
  static func granted(_ byteCount: Int) -> AlignedMemory? {
    request(byteCount).map { AlignedMemory($0, byteCount: byteCount) }
  }

  private static func request(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    SystemMemory.zeros(byteCount + 4096)
  }

  private init(_ block: UnsafeMutableRawPointer, byteCount: Int) {
    let stagger = AlignedMemory.nextStagger(of: byteCount)
    self.block = block
    self.byteCount = byteCount
    pointer = block.alignedUp(toMultipleOf: AlignedMemory.alignment) + stagger
  }

  deinit { free(block) }

  /// Gives the whole pages of these bytes back to the system; what they hold is zero from then on.
  func release(_ bytes: Range<Int>) {
    SystemMemory.release(pointer + bytes.lowerBound, byteCount: bytes.count)
  }

  /// How far within a page the next block of this size should begin: with the way to the next cache line
  /// less than a page.
  static func nextStagger(of byteCount: Int) -> Int {
    guard byteCount >= 1 << 16 else { return 0 }
    return staggered.wrappingAdd(1, ordering: .relaxed).newValue % 16 * 4 * alignment
  }
}
