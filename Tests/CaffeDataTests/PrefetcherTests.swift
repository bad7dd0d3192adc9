import CaffeData
import CaffeErrors
import Foundation
import Testing

@Suite struct PrefetcherTests {
  @Test(arguments: [1, 2, 4, 100], [1, 2, 5])
  func givesAllBatchesInOrder(depth: Int, workers: Int) throws {
    let prefetcher = Prefetcher(name: "test", first: 5, depth: depth, workers: workers) { $0 * 10 }
    for number in 5..<1005 { #expect(try prefetcher.next() == number * 10) }
  }

  /// Whatever the workers' timing, what batches are made of is gathered one after the other.
  @Test func gathersInOrderWhatSeveralWorkersUse() throws {
    let gathered = LockedCounter()
    let prefetcher = Prefetcher(name: "test", depth: 6, workers: 3) { number -> Int in
      let count = gathered.value
      gathered.increment()
      return count == number ? number : -1
    } produce: { number, raw in
      Thread.sleep(forTimeInterval: number % 3 == 0 ? 0.002 : 0)
      return raw
    }
    for number in 0..<200 { #expect(try prefetcher.next() == number) }
  }

  /// A worker that holds on to what it has delivered would make whoever writes on it copy it.
  @Test(arguments: [1, 3])
  func theConsumerIsTheOnlyOwnerOfItsBatch(workers: Int) throws {
    let prefetcher = Prefetcher(name: "test", depth: 4, workers: workers) { _ in LockedCounter() }
    var shared = 0
    for _ in 0..<5000 {
      var batch = try prefetcher.next()
      if !isKnownUniquelyReferenced(&batch) { shared += 1 }
    }
    #expect(shared == 0)
  }

  /// Two batches each wait for the other to be begun.
  @Test func workersWorkAtTheSameTime() throws {
    let begun = LockedCounter()
    let prefetcher = Prefetcher(name: "test", depth: 2, workers: 2) { number in
      begun.increment()
      for _ in 0..<2000 where begun.value < 2 { Thread.sleep(forTimeInterval: 0.005) }
      return begun.value >= 2
    }
    #expect(try prefetcher.next())
    #expect(try prefetcher.next())
  }

  @Test func worksAheadButNoFurtherThanItsDepth() throws {
    let made = LockedCounter()
    let prefetcher = Prefetcher(name: "test", depth: 3) { number in
      made.increment()
      return number
    }
    try waitUntil { made.value == 3 }
    Thread.sleep(forTimeInterval: 0.05)
    #expect(made.value == 3)
    _ = try prefetcher.next()
    _ = try prefetcher.next()
    try waitUntil { made.value == 5 }
  }

  @Test(arguments: [1, 3])
  func anErrorComesInPlaceOfItsBatchAndStays(workers: Int) throws {
    let prefetcher = Prefetcher(name: "test", depth: 4, workers: workers) { number in
      if number == 2 { throw CaffeError("batch \(number) is bad") }
      return number
    }
    #expect(try prefetcher.next() == 0)
    #expect(try prefetcher.next() == 1)
    for _ in 0..<3 { expectError("batch 2 is bad") { _ = try prefetcher.next() } }
    prefetcher.restart(at: 7)
    #expect(try prefetcher.next() == 7)
  }

  /// The batch under way when the restart comes belongs to the old series: it must not appear.
  @Test(arguments: [1, 2])
  func restartsAnywhere(workers: Int) throws {
    let prefetcher = Prefetcher(name: "test", depth: 2, workers: workers) { number in
      Thread.sleep(forTimeInterval: 0.001)
      return number
    }
    for start in [100, 3, 50, 50, 0] {
      prefetcher.restart(at: start)
      for number in start..<start + 5 { #expect(try prefetcher.next() == number) }
    }
  }

  @Test func tellsHowLongTheConsumerWaited() throws {
    let slow = Prefetcher(name: "slow", depth: 1) { number in
      Thread.sleep(forTimeInterval: 0.05)
      return number
    }
    _ = try slow.next()
    #expect(slow.waited > .zero)
    // The second batch is begun when the first is there to be taken.
    let isFirstReady = DispatchSemaphore(value: 0)
    let quick = Prefetcher(name: "quick", depth: 2) { number in
      if number == 1 { isFirstReady.signal() }
      return number
    }
    isFirstReady.wait()
    _ = try quick.next()
    #expect(quick.waited == .zero)
  }

  /// What the closure holds is released soon after the consumer is gone: idle, full or failed.
  @Test(arguments: [0, 1, 2])
  func endsWithItsConsumer(state: Int) throws {
    weak var witness: LockedCounter?
    do {
      let made = LockedCounter()
      witness = made
      let prefetcher = Prefetcher(name: "test", depth: 2) { number -> Int in
        made.increment()
        if state == 2 { throw CaffeError("bad") }
        if state == 1 { Thread.sleep(forTimeInterval: 0.02) }
        return number
      }
      try waitUntil { made.value > 0 }
      withExtendedLifetime(prefetcher) {}
    }
    try waitUntil { witness == nil }
  }

  private func waitUntil(_ condition: () -> Bool) throws {
    for _ in 0..<2000 where !condition() { Thread.sleep(forTimeInterval: 0.005) }
    try #require(condition())
  }
}
