import CaffeKernels

/// Runs a check under every instruction set of this CPU and several thread counts.
enum Machine: CustomStringConvertible {
  case running(InstructionSet, threads: Int)

  /// oneDNN 2.6 works on transformed tiles, and on normalisations in channels-last order, with AVX-512
  /// alone.
  static let hasWinograd = InstructionSet.v4.isAvailable
  static let normalizesChannelsLast = InstructionSet.v4.isAvailable
  /// AMX, as oneDNN's choice of code shows.
  static let hasTiles =
    (try? OneDNNInnerProduct(
      rows: 64, inputs: 64, outputs: 64, hasBias: false, gradients: [], scratchpad: Scratchpad()
    ).forward.implementation.contains("amx")) ?? false

  var description: String {
    switch self {
    case .running(let set, let threads): "\(set.rawValue), \(threads) threads"
    }
  }

  /// Both settings are the calling thread's own, so that tests beside this one keep theirs.
  static func each(
    threads counts: [Int] = [1, 2, 3], _ body: (Machine) throws -> Void
  ) rethrows {
    let (set, threads) = (InstructionSet.current, Threads.count)
    defer {
      set.select()
      Threads.setCount(threads)
    }
    for set in InstructionSet.allCases where set.select() {
      for threads in counts {
        Threads.setCount(threads)
        try body(.running(set, threads: threads))
      }
    }
  }
}
