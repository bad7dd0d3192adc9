import CaffeSchema

extension SolverParameter {
  /// Reads a solver from a text file and brings it up to date (`upgraded(file:)`).
  ///
  /// - Parameter report: told what was upgraded.
  /// - Throws: a missing or malformed file, with line and column.
  public static func read(
    _ path: String, report: (String) -> Void = { _ in }
  ) throws -> SolverParameter {
    let (solver, notes) = try SolverParameter(contentsOfTextFile: path).upgraded(file: path)
    notes.forEach(report)
    return solver
  }

  /// Where the solver is, for error messages: its file.
  var place: String { location?.file ?? "solver" }
}
