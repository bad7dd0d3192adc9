import CaffeErrors

extension SolverParameter {
  /// The same solver in today's form: `solver_type` has become `type`, and `snapshot_prefix` is set.
  ///
  /// Without a prefix, snapshots go beside the solver file under its name without extension; with a
  /// folder as prefix, into that folder under the same name.
  ///
  /// - Parameter file: The solver's prototxt.
  /// - Returns: The solver, and notes for the log.
  /// - Throws: CaffeError if both `solver_type` and `type` are given.
  public func upgraded(file: String) throws -> (solver: SolverParameter, notes: [String]) {
    try upgraded(file: file, isFolder: FileBytes.isFolder)
  }

  /// The same, told by `isFolder` which paths are folders.
  package func upgraded(
    file: String, isFolder: (String) -> Bool
  ) throws -> (solver: SolverParameter, notes: [String]) {
    var result = self
    let stem = Self.withoutExtension(file)
    if !hasSnapshotPrefix {
      result.snapshotPrefix = stem
    } else if isFolder(snapshotPrefix) {
      let name = stem.split(separator: "/").last.map(String.init) ?? stem
      result.snapshotPrefix = snapshotPrefix + (snapshotPrefix.hasSuffix("/") ? "" : "/") + name
    }
    guard hasSolverType else { return (result, []) }
    guard !hasType else {
      throw CaffeError(
        "give either solver_type (\(solverType.protoName)) or type (\"\(type)\"), not both",
        places: [file])
    }
    result.type = Self.name(of: solverType)
    result.clearSolverType()
    let form = "'solver_type' field (enum)"
    return (
      result,
      [
        "Attempting to upgrade input file specified using deprecated \(form)': \(file)",
        "Successfully upgraded file specified using deprecated \(form) to 'type' field (string).",
      ]
    )
  }

  /// `a.b/solver.prototxt` as `a.b/solver`.
  private static func withoutExtension(_ path: String) -> String {
    guard let point = path.lastIndex(of: "."), !path[point...].contains("/") else { return path }
    return String(path[..<point])
  }

  private static func name(of type: SolverType) -> String {
    switch type {
    case .sgd: "SGD"
    case .nesterov: "Nesterov"
    case .adagrad: "AdaGrad"
    case .rmsprop: "RMSProp"
    case .adadelta: "AdaDelta"
    case .adam: "Adam"
    }
  }
}
