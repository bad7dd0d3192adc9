import CaffeData
import CaffeErrors
import CaffeSchema
import Glibc

/// Where a run's snapshots go.
enum SnapshotPrefix {
  /// The folder of `snapshot_prefix`, and what its files' names begin with.
  static func split(_ prefix: String) -> (folder: String, name: String) {
    guard let slash = prefix.lastIndex(of: "/") else { return (".", prefix) }
    return (String(prefix[...slash]), String(prefix[prefix.index(after: slash)...]))
  }

  /// Whether the run takes snapshots without being asked by a signal.
  static func isNeeded(_ solver: SolverParameter, prefix: String) -> Bool {
    solver.snapshot != 0 || solver.snapshotKeepBest || solver.snapshotAfterTrain && !prefix.isEmpty
  }

  /// Checks before any training that snapshots will find a folder to go to.
  static func check(_ solver: SolverParameter, prefix: String) throws {
    guard isNeeded(solver, prefix: prefix) else { return }
    guard !prefix.isEmpty else {
      let field = solver.snapshot != 0 ? "snapshot" : "snapshot_keep_best"
      throw CaffeError("In solver params, \(field) is specified but snapshot_prefix is not")
    }
    if let reason = reasonNotToWrite(in: split(prefix).folder) {
      throw CaffeError(
        "Cannot write to snapshot prefix '\(prefix)'.  Make sure that the directory exists and is writable. (\(reason))"
      )
    }
  }

  /// The system's words if no file can be made in `folder`: it is asked to make one, since permissions
  /// do not tell of read-only or special file systems.
  private static func reasonNotToWrite(in folder: String) -> String? {
    do {
      try TemporaryFiles.probe(folder)
      return nil
    } catch {
      return "\(error)"
    }
  }
}
