import CaffeKernels
import Synchronization

/// Runs a check under every instruction set of this CPU and several thread counts.
enum Machine: CustomStringConvertible {
  case running(InstructionSet, threads: Int)

  private static let lock = Mutex(())

  var description: String {
    switch self {
    case .running(let set, let threads): "\(set.rawValue), \(threads) threads"
    }
  }

  /// One caller at a time, because both settings belong to the whole process.
  static func each(_ body: (Machine) throws -> Void) rethrows {
    try lock.withLock { _ in
      let (set, threads) = (InstructionSet.current, Threads.count)
      defer {
        set.select()
        Threads.setCount(threads)
      }
      for set in InstructionSet.allCases where set.select() {
        for threads in [1, 2, 3] {
          Threads.setCount(threads)
          try body(.running(set, threads: threads))
        }
      }
    }
  }
}
