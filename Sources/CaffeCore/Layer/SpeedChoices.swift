import CMalloc
import CaffeErrors
import CaffeKernels

/// Decides between implementations of the same arithmetic by timing each of them once, and from then on
/// gives the same answer under the same key, so that results can be repeated bit for bit.
///
/// Layers ask when they are prepared. A net that has none goes by built-in rules.
public final class SpeedChoices {
  /// Where answers are kept.
  public protocol Memory: AnyObject {
    func choice(for key: String) throws -> String?
    /// Keeps an answer, unless there is one already.
    ///
    /// - Returns: the answer that counts from now on.
    func keep(_ choice: String, for key: String) throws -> String
  }

  /// An implementation that is timed.
  package protocol Trial {
    /// Makes ready for a run; not timed.
    func begin()
    /// One use of the implementation as a net would use it.
    func run()
  }

  /// One of several implementations.
  package struct Candidate {
    package let name: String
    package let prepare: () throws -> any Trial

    /// - Parameter prepare: may throw `EngineRefusal`; the implementation is then out of the question.
    package init(_ name: String, prepare: @escaping () throws -> any Trial) {
      self.name = name
      self.prepare = prepare
    }
  }

  private let machine: String
  private let memory: any Memory
  private let report: (String) -> Void
  private var isBroken = false

  /// - Parameters:
  ///   - machine: what else answers depend on: the processor, the number of threads, versions.
  ///   - report: receives a sentence if answers cannot be kept; the first candidates are taken from
  ///     then on, since measurements that nobody remembers would make runs differ.
  public init(machine: String, memory: any Memory, report: @escaping (String) -> Void = { _ in }) {
    self.machine = machine
    self.memory = memory
    self.report = report
  }

  /// The name of the fastest.
  ///
  /// - Parameters:
  ///   - candidates: first the one that is taken without a measurement; another must be 5 % faster.
  ///   - key: all that the speed depends on.
  package func fastest(of candidates: [Candidate], for key: String) throws -> String {
    precondition(!candidates.isEmpty, "nothing to choose from for \(key)")
    let rule = candidates[0].name
    guard !isBroken, candidates.count > 1 else { return rule }
    let key = "\(machine) \(key)"
    do {
      if let known = try memory.choice(for: key) {
        return candidates.contains { $0.name == known } ? known : rule
      }
      // What trials have freed would stay with the process: 110 MB of 516 for GoogLeNet's inference.
      defer { malloc_trim(0) }
      return try memory.keep(try measure(candidates), for: key)
    } catch let error as CaffeError {
      isBroken = true
      report("measured choices cannot be kept, the built-in rules decide: \(error)")
      return rule
    }
  }

  private func measure(_ candidates: [Candidate]) throws -> String {
    var runs: [(name: String, trial: any Trial, best: Duration)] = []
    for candidate in candidates {
      do {
        runs.append((candidate.name, try candidate.prepare(), .seconds(1_000_000)))
      } catch is EngineRefusal {}
    }
    guard let first = runs.first, runs.count > 1 else {
      return runs.first?.name ?? candidates[0].name
    }
    let clock = ContinuousClock()
    func time(_ trial: any Trial) -> Duration {
      trial.begin()
      return clock.measure(trial.run)
    }
    for run in runs { _ = time(run.trial) }
    let start = clock.now
    for round in 0..<10 {
      // Side by side, so that what disturbs the machine disturbs all.
      for index in runs.indices {
        runs[index].best = min(runs[index].best, time(runs[index].trial))
      }
      if round > 0 && clock.now - start > .milliseconds(100) { break }
    }
    let rule = runs[0].best
    let fastest = runs.min { $0.best < $1.best } ?? runs[0]
    return fastest.best < rule * 0.95 ? fastest.name : first.name
  }
}
