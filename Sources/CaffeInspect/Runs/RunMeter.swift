import CaffeErrors
import CaffeNet
import CaffeSolver

/// Receives what a `RunMeter` measures.
package protocol RunSink: AnyObject {
  func receive(_ record: RunRecord) throws
  /// An iteration whose gradients are there, whether or not it gets a record.
  func observe(_ iteration: TrainingMoment, of solver: Solver) throws
}

extension RunSink {
  package func observe(_ iteration: TrainingMoment, of solver: Solver) throws {}
}

/// Makes records of a run: one every `display` iterations (every one without `display`), one for each
/// test and one for each snapshot.
///
/// A sink that fails once the run has begun gets no more, and a warning says so: a log is not worth
/// the run.
package final class RunMeter: SolverObserver {
  private var sinks: [any RunSink]
  private let warn: (String) -> Void
  private let itemsPerIteration: Int
  private let interval: Int
  private let began = ContinuousClock.now
  /// The end of the last iteration or test.
  private var mark = ContinuousClock.now
  /// Time of iterations since the last record, and their number.
  private var busy = Duration.zero
  private var iterations = 0
  /// What the net had waited for its data altogether at the last record.
  private var waited = Duration.zero

  /// - Parameter warn: receives a sentence for each sink that fails.
  /// - Throws: what a sink throws at the run's first record.
  package init(
    _ solver: Solver, sinks: [any RunSink], warn: @escaping (String) -> Void = { _ in }
  ) throws {
    self.sinks = sinks
    self.warn = warn
    itemsPerIteration = (solver.net.itemsPerPass ?? 0) * solver.parameter.iterSize
    interval = max(1, solver.parameter.display)
    let start = RunRecord.Start(
      net: solver.net.name, iteration: solver.iteration, maxIter: solver.iterations,
      batch: itemsPerIteration, type: solver.parameter.type, seed: solver.seed)
    for sink in sinks { try sink.receive(.start(start)) }
  }

  private var seconds: Double { (.now - began) / .seconds(1) }

  private func send(_ record: RunRecord) throws { try tell { try $0.receive(record) } }

  /// Calls `body` with each sink, and lets go of those that fail.
  private func tell(_ body: (any RunSink) throws -> Void) throws {
    var working: [any RunSink] = []
    for sink in sinks {
      do {
        try body(sink)
        working.append(sink)
      } catch let error as CaffeError {
        warn("\(error); the run goes on, this log does not")
      }
    }
    sinks = working
  }

  package func solver(_ solver: Solver, computed iteration: TrainingMoment) throws {
    let now = ContinuousClock.now
    busy += now - mark
    iterations += 1
    if iteration.iteration % interval == 0 { try recordTraining(iteration, of: solver) }
    try tell { try $0.observe(iteration, of: solver) }
    mark = .now
  }

  private func recordTraining(_ moment: TrainingMoment, of solver: Solver) throws {
    let seconds = busy / .seconds(1)
    let rate = Double(iterations * itemsPerIteration) / seconds
    let waitedNow = solver.net.waitedForData
    let waitedSince = waitedNow.map { ($0 - waited) / .seconds(1) }
    let record = RunRecord.Train(
      iteration: moment.iteration, loss: Double(moment.averageLoss),
      outputs: OutputValues.byName(solver.net, solver.net.outputValues),
      lr: Double(moment.learningRate), seconds: self.seconds,
      imagesPerSecond: itemsPerIteration > 0 && seconds > 0 ? rate : nil,
      dataWait: seconds > 0 ? waitedSince.map { $0 / seconds } : nil,
      dataWaitMs: waitedSince.map { $0 * 1000 / Double(iterations) },
      peakMb: IterationTiming.peakMegabytes)
    (busy, iterations, waited) = (.zero, 0, waitedNow ?? .zero)
    try send(.train(record))
  }

  package func solver(_ solver: Solver, tested score: TestScore) throws {
    try send(
      .test(
        RunRecord.Test(
          iteration: score.iteration, net: score.net, loss: Double(score.loss),
          outputs: OutputValues.byName(solver.testNets[score.net], score.values),
          seconds: seconds)))
    mark = .now
  }

  package func solver(_ solver: Solver, wroteSnapshot path: String) throws {
    try send(
      .snapshot(RunRecord.Snapshot(iteration: solver.iteration, path: path, seconds: seconds)))
    mark = .now
  }
}

extension OutputValues {
  /// Values in the order of a net's `outputLines`, by the names of its outputs.
  static func byName(_ net: Net, _ values: [Float]) -> [String: OutputValues] {
    var outputs: [String: OutputValues] = [:]
    for (line, value) in zip(net.outputLines, values) {
      outputs[line.blob.name, default: OutputValues([])].values.append(Double(value))
    }
    return outputs
  }
}

extension Net {
  /// How many images, or other items, a forward pass takes: the first extent of the first blob that
  /// comes out of no other.
  var itemsPerPass: Int? {
    layers.first { $0.bottom.isEmpty && !$0.top.isEmpty }?.top[0].shape.dimensions.first
  }
}
