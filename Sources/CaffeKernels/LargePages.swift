import Glibc

/// Pages of 2 MB, of which a processor keeps the addresses of more memory in mind than of the usual 4 KB.
package enum LargePages {
  private static let size = 1 << 21

  /// Asks for large pages behind a block of memory that is used as a whole. A small block, and a system that
  /// gives none, is left as it is.
  package static func ask(for block: UnsafeMutableRawPointer, byteCount: Int) {
    guard byteCount >= 2 * size else { return }
    advise(MADV_HUGEPAGE, block, byteCount)
  }

  /// Gives the whole small pages of these bytes back to the system, for as long as nobody touches them; what
  /// they hold is zero from then on.
  package static func release(_ bytes: UnsafeMutableRawPointer, byteCount: Int) {
    // Otherwise the system might fill a large page up again that was given back in part.
    advise(MADV_NOHUGEPAGE, bytes, byteCount)
    advise(MADV_DONTNEED, bytes, byteCount)
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
