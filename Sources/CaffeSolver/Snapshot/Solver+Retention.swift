import CaffeData
import CaffeErrors
import CaffeKernels
import Glibc

/// Which snapshots stay on disk: all, or the last `snapshot_keep_last` and with `snapshot_keep_best`
/// the one with the best test score.
///
/// Nothing is removed before a newer snapshot is complete, and only what this run has written.
extension Solver {
  /// Makes sure that the present weights, whose score is the best, are on disk; the former best
  /// snapshot goes unless it is one of the last.
  func keepBest(insteadOf former: Int?) throws {
    if writtenIteration != iteration { try writeSnapshot(listing: run.snapshot) }
    if let former, former != iteration, !run.snapshot.contains(former) { removeSnapshot(former) }
  }

  /// Removes the oldest snapshots until only `snapshot_keep_last` and the best are left.
  func removeOldSnapshots() {
    let count = parameter.snapshotKeepLast
    guard count > 0 else { return }
    while run.snapshot.count > count {
      let oldest = run.snapshot.removeFirst()
      let isBest = parameter.snapshotKeepBest && run.hasBestIter && run.bestIter == oldest
      if !isBest { removeSnapshot(oldest) }
    }
  }

  /// The state goes first, so that none on disk names weights that are not there.
  private func removeSnapshot(_ iteration: Int) {
    let files = snapshotFiles(at: iteration)
    for path in [files.state, files.model] where unlink(path) != 0 && errno != ENOENT {
      log.warning("Cannot remove the old snapshot \(path): \(SystemFile.reason)")
    }
  }
}
