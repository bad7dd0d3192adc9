import CaffeErrors

extension SolverParameter {
  /// The same solver in today's form: `solver_type` has become `type`.
  ///
  /// - Parameter file: Named in the notes for the log.
  /// - Throws: CaffeError if both are given.
  public func upgraded(file: String) throws -> (solver: SolverParameter, notes: [String]) {
    guard hasSolverType else { return (self, []) }
    guard !hasType else {
      throw CaffeError(
        "give either solver_type (\(solverType.protoName)) or type (\"\(type)\"), not both",
        places: [file])
    }
    var result = self
    result.type = Self.name(of: solverType)
    result.clearSolverType()
    return (
      result,
      [
        "Attempting to upgrade input file specified using deprecated solver_type field (enum): \(file)",
        "Successfully upgraded file specified using deprecated solver_type field (enum)",
      ]
    )
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
