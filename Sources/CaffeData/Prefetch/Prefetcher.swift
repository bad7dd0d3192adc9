import CaffeErrors
import Foundation

/// Makes batches ahead of their use, in a thread of its own.
///
/// `produce(n)` makes batch `n`; it is called for one batch after the other, from the first asked
/// for, and at most `depth` batches wait. So the batches a consumer gets depend neither on timing
/// nor on depth. An error of `produce` comes to the consumer in place of that batch, and ends the
/// series until `restart`.
///
/// One consumer; letting go of the prefetcher ends the thread after the batch it is at.
package final class Prefetcher<Batch> {
  private let ring: Ring<Batch>
  /// How long the consumer has waited for batches altogether.
  package var waited: Duration { ring.waited }

  /// Starts to make batches.
  ///
  /// - Parameters:
  ///   - first: the number of the first batch.
  ///   - depth: how many finished batches may wait; at least 1.
  ///   - produce: makes the batch of a number; runs on the prefetcher's thread.
  package init(
    name: String, first: Int = 0, depth: Int, produce: @escaping @Sendable (Int) throws -> Batch
  ) {
    precondition(depth > 0, "a prefetcher of depth \(depth)")
    ring = Ring(first: first, depth: depth)
    // The thread holds the ring, not the prefetcher, whose end can thus be noticed.
    let thread = Thread { [ring] in
      while let (series, number) = ring.nextToMake() {
        ring.deliver(Result { try produce(number) }, series: series)
      }
    }
    thread.name = name
    thread.start()
  }

  deinit {
    ring.stop()
  }

  /// The next batch, waiting for it if need be.
  package func next() throws -> Batch { try ring.take() }

  /// Goes on with batch `number`, forgetting what was made ahead.
  package func restart(at number: Int) { ring.restart(at: number) }
}

/// The finished batches between the two threads.
private final class Ring<Batch>: @unchecked Sendable {  // all state is guarded by `changed`
  private let changed = NSCondition()
  private let depth: Int
  /// Finished batches from number `toTake` on; only the last can be an error.
  private var finished: [Result<Batch, any Error>] = []
  private var toTake: Int
  /// Counts restarts: a batch begun before one is of no use after it.
  private var series = 0
  private var hasStopped = false
  private var timeWaited = Duration.zero

  init(first: Int, depth: Int) {
    toTake = first
    self.depth = depth
  }

  var waited: Duration { changed.withLock { timeWaited } }

  // MARK: The thread's side

  /// The batch to make next, once there is room for it; nil when all is over.
  func nextToMake() -> (series: Int, number: Int)? {
    changed.withLock {
      while !hasStopped && (finished.count >= depth || hasFailed) { changed.wait() }
      return hasStopped ? nil : (series, toTake + finished.count)
    }
  }

  func deliver(_ batch: Result<Batch, any Error>, series: Int) {
    changed.withLock {
      guard series == self.series else { return }
      finished.append(batch)
      changed.signal()
    }
  }

  private var hasFailed: Bool {
    if case .failure = finished.last { true } else { false }
  }

  // MARK: The consumer's side

  func take() throws -> Batch {
    try changed.withLock {
      if finished.isEmpty {
        let clock = ContinuousClock()
        timeWaited += clock.measure { while finished.isEmpty { changed.wait() } }
      }
      // An error stays, for whoever asks again.
      let batch = try finished[0].get()
      finished.removeFirst()
      toTake += 1
      // Waking the thread for every single place would cost a switch of threads for each.
      if finished.count <= depth / 2 { changed.signal() }
      return batch
    }
  }

  func restart(at number: Int) {
    changed.withLock {
      series += 1
      finished.removeAll()
      toTake = number
      changed.signal()
    }
  }

  func stop() {
    changed.withLock {
      hasStopped = true
      changed.signal()
    }
  }
}
