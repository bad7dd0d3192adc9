import CaffeErrors
import Glibc

/// Memory from the system, and what it is told about it.
package enum SystemMemory {
  /// Of a large page: a processor keeps the addresses of more memory in mind than with the usual 4 KB.
  private static let largePage = 1 << 21

  /// Zeros, which the system gives as they are written to; to be given back with `free`. `nil` where it does
  /// not grant so much.
  package static func zeros(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    guard let block = calloc(1, byteCount) else { return nil }
    useLargePages(for: block, byteCount: byteCount)
    return block
  }

  /// Memory of no particular values, to be given back with `deallocate`.
  static func block(_ byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer {
    let block = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: alignment)
    useLargePages(for: block, byteCount: byteCount)
    return block
  }

  /// Asks for large pages behind a block that is used as a whole. A small block, and a system that gives none,
  /// is left as it is.
  package static func useLargePages(for block: UnsafeMutableRawPointer, byteCount: Int) {
    guard byteCount >= 2 * largePage else { return }
    advise(MADV_HUGEPAGE, block, byteCount)
  }

  /// Gives the whole small pages of these bytes back, for as long as nobody touches them; what they hold is
  /// zero from then on.
  package static func release(_ bytes: UnsafeMutableRawPointer, byteCount: Int) {
    // Otherwise the system might fill a large page up again that was given back in part.
    advise(MADV_NOHUGEPAGE, bytes, byteCount)
    advise(MADV_DONTNEED, bytes, byteCount)
  }

  /// Out of memory in the middle of a pass has no one to handle it: says so in one line and stops.
  package static func exhausted(_ byteCount: Int) -> Never {
    StandardError.write("caffe-swift: out of memory: \(byteCount) bytes could not be allocated\n")
    exit(1)
  }

  private static func advise(
    _ advice: Int32, _ block: UnsafeMutableRawPointer, _ byteCount: Int
  ) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let first = (Int(bitPattern: block) + page - 1) / page * page
    let end = (Int(bitPattern: block) + byteCount) / page * page
    guard first < end else { return }
    madvise(UnsafeMutableRawPointer(bitPattern: first), end - first, advice)
  }
}
