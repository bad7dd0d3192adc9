import CaffeErrors

/// What tests decide: which snapshot is the best one, and when training ends early.
extension Solver {
  /// Runs every test net over its `test_iter` batches, and compares the first one's score with the best
  /// so far. A snapshot in the meantime leads back to where the test began.
  public func testAll() throws {
    extrasBeforeTest = extras()
    for index in testNets.indices where !isStopping {
      let result = try test(index)
      // At iteration 0 nothing has been learnt that would be worth keeping.
      guard index == 0, iteration > 0, let monitor, let result else { continue }
      try compare(monitor.score(loss: result.loss, means: result.means), by: monitor)
    }
    if !isStopping { extrasBeforeTest = nil }
  }

  /// The test that `test_interval` asks for at this iteration. A run resumed from here makes it again,
  /// so that snapshots lead back to its beginning until training goes on.
  func testOnSchedule() throws {
    let before = extras()
    try testAll()
    extrasBeforeTest = before
  }

  private func compare(_ score: Float, by monitor: Monitor) throws {
    guard monitor.isBetter(score, than: run.hasBestScore ? run.bestScore : nil) else {
      run.testsSinceBest += 1
      stopEarlyIfDue(monitor)
      return
    }
    let former = run.hasBestIter ? run.bestIter : nil
    run.bestScore = score
    run.bestIter = iteration
    run.testsSinceBest = 0
    log.info("Iteration \(iteration), best \(monitor.name) = \(Text.number(score))")
    if parameter.snapshotKeepBest { try keepBest(insteadOf: former) }
  }

  private func stopEarlyIfDue(_ monitor: Monitor) {
    let patience = parameter.earlyStopPatience
    guard patience > 0, run.testsSinceBest >= patience else { return }
    hasStoppedEarly = true
    let best =
      run.hasBestScore
      ? "the best is \(Text.number(run.bestScore)) of iteration \(run.bestIter)" : "there is none"
    log.info(
      "Early stop at iteration \(iteration): no better \(monitor.name) in \(run.testsSinceBest) tests; \(best)"
    )
  }
}
