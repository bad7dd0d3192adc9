import CaffeKernelsC

/// The process's one thread policy: how many threads loops, OpenBLAS and oneDNN use.
///
/// All three run on GNU OpenMP, so that a region started inside another is serial.
package enum Threads {
  /// Threads of a parallel loop; `OMP_NUM_THREADS`, or else the number of CPUs, by default.
  package static var count: Int { ck_thread_count() }

  /// Sets the number of threads for work that the calling thread starts.
  package static func setCount(_ count: Int) { ck_set_thread_count(count) }

  /// Runs `body` as if there were one thread: what oneDNN creates meanwhile runs on the calling one.
  static func serially<Result>(_ body: () throws -> Result) rethrows -> Result {
    let count = count
    setCount(1)
    defer { setCount(count) }
    return try body()
  }

  /// Runs `body` in parallel for `parts` contiguous parts of `0..<count`, some of them empty if there are
  /// more. What `body` calls is serial.
  package static func forEachPart(
    of count: Int, in parts: Int, _ body: @Sendable (_ part: Int, _ range: Range<Int>) -> Void
  ) {
    withoutActuallyEscaping(body) { body in
      var holder = body
      withUnsafeMutablePointer(to: &holder) { pointer in
        ck_parallel_parts(
          count, parts,
          { context, part, begin, end in
            let pointer = context?.assumingMemoryBound(
              to: (@Sendable (Int, Range<Int>) -> Void).self)
            pointer?.pointee(part, begin..<end)
          }, pointer)
      }
    }
  }
}

/// The instruction sets whose loops the C kernels carry.
package enum InstructionSet: String, CaseIterable, Sendable {
  case base, v3, v4

  private var code: ck_isa {
    switch self {
    case .base: CK_ISA_BASE
    case .v3: CK_ISA_V3
    case .v4: CK_ISA_V4
    }
  }

  /// Whether this CPU can run the set.
  package var isAvailable: Bool { ck_isa_available(code) }

  /// The set in use: the CPU's best, or what `CAFFE_ISA` asked for.
  package static var current: InstructionSet {
    let code = ck_current_isa()
    return allCases.first { $0.code == code } ?? .base
  }

  /// Switches the loops that the calling thread starts, for tests; false when the CPU lacks the set.
  @discardableResult
  package func select() -> Bool { ck_set_isa(code) }
}
