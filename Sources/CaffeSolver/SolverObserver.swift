import CaffeNet

/// Is told what a solver does, as it does it, and changes nothing.
///
/// An error that an observer throws ends the run.
public protocol SolverObserver: AnyObject {
  /// The gradients of an iteration are there; the parameters are as they were before it.
  func solver(_ solver: Solver, computed iteration: TrainingMoment) throws
  /// A test net has run over its batches.
  func solver(_ solver: Solver, tested score: TestScore) throws
  /// A snapshot has been written.
  ///
  /// - Parameter path: the model's file.
  func solver(_ solver: Solver, wroteSnapshot path: String) throws
}

extension SolverObserver {
  public func solver(_ solver: Solver, computed iteration: TrainingMoment) throws {}
  public func solver(_ solver: Solver, tested score: TestScore) throws {}
  public func solver(_ solver: Solver, wroteSnapshot path: String) throws {}
}

/// An iteration between its gradients and its update.
public struct TrainingMoment {
  /// How many updates were made before.
  public let iteration: Int
  /// The objective, averaged over `iter_size` passes.
  public let loss: Float
  /// The mean of the last `average_loss` objectives, which the log shows.
  public let averageLoss: Float
  public let learningRate: Float
}

/// What a test net scored, as means over its batches.
public struct TestScore {
  public let iteration: Int
  /// The number of the test net.
  public let net: Int
  public let loss: Float
  /// One for each entry of the net's `outputLines`.
  public let values: [Float]
}
