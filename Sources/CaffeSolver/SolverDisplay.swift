import CaffeCore
import CaffeErrors
import CaffeNet

/// The lines that Caffe's log parsers read, and the passes over the test nets.
extension Solver {
  /// `Iteration 100 (44.1 iter/s, 2.26s/100 iters), loss = 0.213` and the net's outputs.
  func display() {
    let lap = stopwatch.lap(at: iteration)
    log.info(
      "Iteration \(iteration) (\(Text.number(lap.rate)) iter/s, \(Text.number(lap.seconds))s/\(parameter.display) iters), loss = \(Text.number(lossWindow.mean))"
    )
    for (line, (output, value)) in zip(net.outputLines, net.outputValues).enumerated() {
      log.info("    Train net output #\(line): \(output.text(value))")
    }
  }

  /// Runs a test net over its batches and logs the mean of each of its output values.
  ///
  /// - Returns: objective and means, `nil` if the user stopped the test or it has no batches.
  @discardableResult
  public func test(_ index: Int) throws -> (loss: Float, means: [Float])? {
    log.info("Iteration \(iteration), Testing net (#\(index))")
    let net = testNets[index]
    let coverage = coverages[index]
    let passes = coverage?.passes ?? parameter.testIter[index]
    guard passes > 0 else { return nil }
    let mean = try net.score(passes: passes, covering: coverage) {
      try obeyDuringTest()
      return !isStopping
    }
    guard let mean else {
      log.info("Test interrupted.")
      return nil
    }
    if parameter.testComputeLoss { log.info("Test loss: \(Text.number(mean.loss))") }
    for (line, (output, value)) in zip(net.outputLines, mean.values).enumerated() {
      log.info("    Test net output #\(line): \(output.text(value))")
    }
    try observer?.solver(
      self,
      tested: TestScore(iteration: iteration, net: index, loss: mean.loss, values: mean.values))
    return (mean.loss, mean.values)
  }
}

/// Measures how fast iterations go between two lines of the log.
struct DisplayStopwatch {
  private var began = ContinuousClock.now
  private var iteration = 0

  mutating func start(at iteration: Int) {
    began = .now
    self.iteration = iteration
  }

  mutating func lap(at iteration: Int) -> (rate: Float, seconds: Float) {
    let now = ContinuousClock.now
    let seconds = Float((now - began) / .seconds(1))
    let rate = seconds > 0 ? Float(iteration - self.iteration) / seconds : 0
    began = now
    self.iteration = iteration
    return (rate, seconds)
  }
}
