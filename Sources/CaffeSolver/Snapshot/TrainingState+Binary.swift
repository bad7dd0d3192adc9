import CaffeData
import CaffeErrors
import CaffeNet
import CaffeSchema

extension TrainingState {
  static func readBinary(_ path: String) throws -> TrainingState {
    let state: SolverState
    do {
      state = try SolverState(contentsOfBinaryFile: path)
    } catch let error as CaffeError {
      throw explained(error, path: path)
    }
    guard state.hasLearnedNet || !state.history.isEmpty else {
      throw explained(
        CaffeError("\(path) is not a solver state: it names no weights"), path: path)
    }
    return TrainingState(
      iteration: state.iter, learnedNet: state.learnedNet, currentStep: state.currentStep,
      history: state.history, extras: extras(state))
  }

  private static func extras(_ state: SolverState) -> Extras? {
    guard state.hasRandomSeed else { return nil }
    return Extras(
      seed: UInt64(truncatingIfNeeded: state.randomSeed),
      nets: state.pass.enumerated().map { number, pass in
        NetProgress(
          pass: UInt64(truncatingIfNeeded: pass),
          carried: state.carriedState.filter { $0.net == number }
            .map { NetProgress.Carried(layer: $0.layer, blobs: $0.blob) })
      },
      lossWindow: state.lossWindow, solverType: state.solverType, run: state.run)
  }

  /// A model given in place of a state is a common mistake, and gets its own sentence.
  private static func explained(_ error: CaffeError, path: String) -> CaffeError {
    guard (try? Weights(contentsOf: path)) != nil else { return error }
    return CaffeError(
      "\(path) holds weights, not a solver state; give it to --weights, or the .solverstate beside it to --snapshot"
    )
  }

  func prepareBinary(_ path: String) throws -> PreparedFile {
    var state = SolverState()
    state.iter = iteration
    state.learnedNet = learnedNet
    state.currentStep = currentStep
    state.history = history
    if let extras {
      state.randomSeed = Int(truncatingIfNeeded: extras.seed)
      state.pass = extras.nets.map { Int(truncatingIfNeeded: $0.pass) }
      state.carriedState = extras.carried.map { number, carried in
        var state = CarriedState()
        state.net = number
        state.layer = carried.layer
        state.blob = carried.blobs
        return state
      }
      state.lossWindow = extras.lossWindow
      state.solverType = extras.solverType
      state.run = extras.run
    }
    let bytes = try withPlace(path) { try state.binary() }
    return try bytes.withUnsafeBytes { try AtomicFile.prepare(path, $0) }
  }
}
