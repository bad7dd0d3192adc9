import CaffeErrors
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

  init(byteCount: Int) {
    let stagger = AlignedMemory.stagger(
      of: byteCount,
      number: AlignedMemory.staggered.wrappingAdd(1, ordering: .relaxed).newValue)
    guard let block = calloc(1, byteCount + stagger + AlignedMemory.alignment) else {
      AlignedMemory.exhausted(byteCount)
    }
    let address = Int(bitPattern: block)
    let aligned = (address + AlignedMemory.alignment - 1) & ~(AlignedMemory.alignment - 1)
    self.block = block
    self.byteCount = byteCount
    pointer = block + (aligned - address + stagger)
  }

  deinit { free(block) }

  /// How far within a page a block should begin, if it is the `number`th.
  static func stagger(of byteCount: Int, number: Int) -> Int {
    byteCount < 1 << 16 ? 0 : number % 16 * 4 * alignment
  }

  /// Out of memory in the middle of a pass has no one to handle it: say so in one line and stop.
  private static func exhausted(_ byteCount: Int) -> Never {
    StandardError.write("caffe-swift: out of memory: \(byteCount) bytes could not be allocated\n")
    exit(1)
  }
}
