import CaffeErrors
import CaffeSchema
import Glibc

extension SolverParameter {
  /// Reads a solver from a text file and brings it up to date: `solver_type` becomes `type`, a
  /// missing `snapshot_prefix` becomes the file's path without its extension, and one that is a
  /// folder gets the file's name.
  ///
  /// - Throws: a missing or malformed file, with line and column.
  ///
  /// Source: BVLC Caffe, `UpgradeSolverAsNeeded`, `UpdateSnapshotPrefix`.
  public static func read(_ path: String) throws -> SolverParameter {
    var solver = try SolverParameter(contentsOfTextFile: path)
    solver = try solver.upgraded(file: path).solver
    let name = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
    let stem = name.lastIndex(of: ".").map { String(name[..<$0]) } ?? String(name)
    let folder = String(path.dropLast(name.count))
    if !solver.hasSnapshotPrefix {
      solver.snapshotPrefix = folder + stem
    } else if isFolder(solver.snapshotPrefix) {
      let separator = solver.snapshotPrefix.hasSuffix("/") ? "" : "/"
      solver.snapshotPrefix += separator + stem
    }
    return solver
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
