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
    /// The share of the first candidate's time within which it is taken instead.
    fileprivate let share: Double
    package let prepare: () throws -> any Trial

    /// - Parameters:
    ///   - share: lower for what makes other layers slower, which no trial sees.
    ///   - prepare: may throw `EngineRefusal`; the implementation is then out of the question.
    package init(
      _ name: String, share: Double = 0.95, prepare: @escaping () throws -> any Trial
    ) {
      self.name = name
      self.share = share
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
  ///   - candidates: first the one that is taken without a measurement.
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
    var runs: [Run] = []
    for candidate in candidates {
      do {
        runs.append(Run(candidate: candidate, trial: try candidate.prepare()))
      } catch is EngineRefusal {}
    }
    guard runs.count > 1 else { return (runs.first?.candidate ?? candidates[0]).name }
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
      let spent = clock.now - start
      if round > 0, spent > .milliseconds(isClear(runs) ? 100 : 500) { break }
    }
    let rule = runs[0]
    let best = runs.dropFirst().max { $0.lead(over: rule) < $1.lead(over: rule) } ?? rule
    return (best.lead(over: rule) > 1 ? best : rule).candidate.name
  }

  private struct Run {
    let candidate: Candidate
    let trial: any Trial
    var best = Duration.seconds(1_000_000)

    /// How many times as fast as it must be to be taken instead of the rule's.
    func lead(over rule: Run) -> Double { candidate.share * (rule.best / best) }
  }

  /// Whether noise of a tenth would change nothing.
  private func isClear(_ runs: [Run]) -> Bool {
    runs.dropFirst().allSatisfy { !(0.9...1.1).contains($0.lead(over: runs[0])) }
  }
}
