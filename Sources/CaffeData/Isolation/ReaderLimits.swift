import Foundation
import Glibc

/// What a reader process may use before the system ends it.
///
/// A request names how many bytes it moves at most, its *cost*. It may take `seconds(cost)` of processor
/// time, and memory for it besides a gibibyte.
enum ReaderLimits {
  /// Ten seconds, and one for every 10 MB: a tenth of what the slowest disk or decompressor does.
  static func seconds(_ cost: Int) -> Int { 10 + cost / 10_000_000 }

  /// How long to wait for an answer that needs no processor time, as from a disk that does not answer.
  static func patience(_ cost: Int) -> Int { 600 + cost / 1_000_000 }

  /// Memory that this process uses before it has opened anything.
  private static let initialMemory: Int = {
    // The sixth number: data and stacks, in pages.
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let fields = text.split(separator: " ").compactMap { Int($0) }
    return fields.count > 5 ? fields[5] * Int(getpagesize()) : 0
  }()

  /// No core dumps; to be called once.
  static func prepare() {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    _ = initialMemory
  }

  /// Begins a request: SIGPROF ends the process that takes too long.
  static func begin(cost: Int) {
    allowTime(seconds(cost))
    allowMemory(for: cost)
  }

  /// Ends it: what a thread of a library does until the next one (libleveldb merges tables) may take long.
  static func end() { allowTime(0) }

  /// From now on; 0: without an end.
  private static func allowTime(_ seconds: Int) {
    var timer = itimerval(it_interval: timeval(), it_value: timeval(tv_sec: seconds, tv_usec: 0))
    setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &timer, nil)
  }

  /// Memory for four copies of so many bytes, and a gibibyte.
  ///
  /// Not address space, of which LMDB takes as much as a file says.
  static func allowMemory(for bytes: Int) {
    let (copies, overflow) = bytes.multipliedReportingOverflow(by: 4)
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
    let wanted = overflow ? UInt.max : UInt(initialMemory + 1 << 30) + UInt(copies)
    limit.rlim_cur = min(wanted, limit.rlim_max)
    setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
  }
}
