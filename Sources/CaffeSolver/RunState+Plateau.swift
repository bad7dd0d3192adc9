import CaffeSchema

extension RunState {
  /// Notes the (averaged) loss of an iteration for the policy `plateau`.
  ///
  /// A step is due when `windows[steps taken]` iterations have passed since the loss was last lower
  /// than ever before, or since the last step; there are no more steps than windows.
  ///
  /// - Returns: whether this iteration takes a step.
  ///
  /// Source: `SGDSolver::GetLearningRate` of weiliu89's SSD branch.
  package mutating func observe(loss: Float, at iteration: Int, windows: [Int]) -> Bool {
    if !hasPlateauLoss || loss < plateauLoss {
      plateauLoss = loss
      plateauIter = iteration
    }
    guard windows.indices.contains(plateauStep), iteration - plateauIter >= windows[plateauStep]
    else { return false }
    plateauStep += 1
    plateauIter = iteration
    return true
  }
}
