import CaffeErrors
import Foundation

/// Makes batches ahead of their use, in threads of its own.
///
/// A batch is made in two steps: `gather(n)` collects what batch `n` needs, for one batch after the
/// other from the first asked for, in the order of their numbers and never two at once; `produce`
/// makes the batch of that, for several batches at once if there are several workers. At most
/// `depth` batches wait or are in the making, and they come to the consumer in order. So the batches
/// it gets depend neither on timing nor on depth or workers. An error comes to the consumer in place
/// of its batch, and ends the series until `restart`.
///
/// One consumer; letting go of the prefetcher ends the threads after the batches they are at.
package final class Prefetcher<Batch> {
  private let ring: Ring<Batch>
  /// How long the consumer has waited for batches altogether.
  package var waited: Duration { ring.waited }

  /// Starts to make batches.
  ///
  /// - Parameters:
  ///   - first: the number of the first batch.
  ///   - depth: how many batches may wait or be in the making; at least 1.
  ///   - workers: how many threads make them; at least 1.
  package init<Raw>(
    name: String, first: Int = 0, depth: Int, workers: Int = 1,
    gather: @escaping @Sendable (Int) throws -> Raw,
    produce: @escaping @Sendable (Int, Raw) throws -> Batch
  ) {
    precondition(depth > 0 && workers > 0, "a prefetcher of depth \(depth), \(workers) workers")
    ring = Ring(first: first, depth: depth)
    let turn = NSLock()
    for _ in 0..<workers {
      // The threads hold the ring, not the prefetcher, whose end can thus be noticed.
      let thread = Thread { [ring] in
        func next() -> (series: Int, number: Int, raw: Result<Raw, any Error>)? {
          turn.withLock {
            ring.nextToMake().map { series, number in
              (series, number, Result { try gather(number) })
            }
          }
        }
        while let (series, number, raw) = next() {
          ring.deliver(
            Result { try produce(number, raw.get()) }, number: number, series: series)
        }
      }
      thread.name = name
      thread.start()
    }
  }

  /// Starts to make batches that need nothing gathered.
  package convenience init(
    name: String, first: Int = 0, depth: Int, workers: Int = 1,
    produce: @escaping @Sendable (Int) throws -> Batch
  ) {
    self.init(
      name: name, first: first, depth: depth, workers: workers, gather: { _ in },
      produce: { number, _ in try produce(number) })
  }

  deinit {
    ring.stop()
  }

  /// The next batch, waiting for it if need be.
  package func next() throws -> Batch { try ring.take() }

  /// Goes on with batch `number`, forgetting what was made ahead.
  package func restart(at number: Int) { ring.restart(at: number) }
}

/// The batches between the workers and the consumer.
private final class Ring<Batch>: @unchecked Sendable {  // all state is guarded by `changed`
  private let changed = NSCondition()
  private let depth: Int
  /// Finished batches, by number; all of `toTake..<toMake`.
  private var finished: [Int: Result<Batch, any Error>] = [:]
  private var toTake: Int
  private var toMake: Int
  private var hasFailed = false
  /// Counts restarts: a batch begun before one is of no use after it.
  private var series = 0
  private var hasStopped = false
  private var timeWaited = Duration.zero

  init(first: Int, depth: Int) {
    toTake = first
    toMake = first
    self.depth = depth
  }

  var waited: Duration { changed.withLock { timeWaited } }

  // MARK: The workers' side

  /// The batch to make next, once there is room for it; nil when all is over.
  func nextToMake() -> (series: Int, number: Int)? {
    changed.withLock {
      while !hasStopped && (toMake - toTake >= depth || hasFailed) { changed.wait() }
      guard !hasStopped else { return nil }
      defer { toMake += 1 }
      return (series, toMake)
    }
  }

  /// Consumes the batch: the consumer must be its only owner, however late this thread returns from
  /// here, or whoever writes on a batch that is used again copies it.
  func deliver(_ batch: consuming Result<Batch, any Error>, number: Int, series: Int) {
    changed.lock()
    defer { changed.unlock() }
    guard series == self.series else { return }
    finished[number] = consume batch
    if case .failure? = finished[number] { hasFailed = true }
    // Only the batch that the consumer may wait for is worth waking it.
    if number == toTake { changed.broadcast() }
  }

  // MARK: The consumer's side

  func take() throws -> Batch {
    try changed.withLock {
      if finished[toTake] == nil {
        let clock = ContinuousClock()
        timeWaited += clock.measure { while finished[toTake] == nil { changed.wait() } }
      }
      guard let batch = finished[toTake] else { preconditionFailure("batch \(toTake) is gone") }
      // An error stays, for whoever asks again.
      let value = try batch.get()
      finished[toTake] = nil
      toTake += 1
      // Waking the workers for every single place would cost a switch of threads for each.
      if toMake - toTake <= depth / 2 { changed.broadcast() }
      return value
    }
  }

  func restart(at number: Int) {
    changed.withLock {
      series += 1
      finished.removeAll()
      hasFailed = false
      toTake = number
      toMake = number
      changed.broadcast()
    }
  }

  func stop() {
    changed.withLock {
      hasStopped = true
      changed.broadcast()
    }
  }
}
