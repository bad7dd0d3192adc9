import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeNet
import CaffeSchema
import Logging

/// Minimises a net's objective by gradient descent, testing and taking snapshots on the way.
///
///     let solver = try Solver(SolverParameter.read("lenet_solver.prototxt"))
///     try solver.solve()
///
/// One iteration: [test] → forward and backward, `iter_size` times → [display] → update → [snapshot].
/// The lines it logs are Caffe's, so that Caffe's log parsers work.
///
/// Source: BVLC Caffe, `solver.cpp`, `sgd_solver.cpp`.
public final class Solver {
  public let parameter: SolverParameter
  public let net: Net
  public let testNets: [Net]
  /// How many updates have been made.
  public package(set) var iteration = 0
  /// Asked once per iteration and once per test batch what the user wants.
  public var requestedAction: () -> SolverAction? = { nil }
  /// Is told of iterations, tests and snapshots.
  public var observer: (any SolverObserver)?
  /// The key of all random numbers of the run.
  public let seed: UInt64

  let log: Logger
  let snapshotPrefix: String
  let learningRate: LearningRate
  /// When the run ends, from `max_iter` and `max_epoch`.
  public let iterations: Int
  let monitor: Monitor?
  let update: Update
  var lossWindow: LossWindow
  /// What the run has seen of its losses and scores.
  package internal(set) var run = RunState()
  /// The run's state before the test that is under way, was interrupted, or would be made again.
  var extrasBeforeTest: TrainingState.Extras?
  var stopwatch = DisplayStopwatch()
  /// The state file of the last snapshot taken or restored.
  var lastSnapshot: String?
  /// What each test runs over where `test_iter` does not say.
  let coverages: [Coverage?]
  /// The iteration of the last snapshot taken.
  var writtenIteration: Int?
  /// The user asked to stop.
  private(set) var isStopping = false
  /// Tests have shown no better score for as long as `early_stop_patience` says.
  public internal(set) var hasStoppedEarly = false

  /// - Parameters:
  ///   - engine: the engine for layers whose prototxt names none.
  ///   - precision: in which numbers convolutions, inner products and recurrent layers multiply, if not
  ///     as the solver's `precision` says.
  ///   - fusingLayers: a layer may do the work of those behind it; never under `debug_info`.
  ///   - choices: decides by measurement which code layers run; built-in rules without it. A resumed
  ///     run is the same bit for bit only with the same choices.
  ///   - snapshot: a state to go on from; the solver's `weights` are then not loaded.
  ///   - reusingMemory: the training net's inner blobs take turns with memory, so that there is less
  ///     of it, and nothing is to be seen in them between iterations. Not under `debug_info`.
  ///   - skippingMismatches: layers that the solver's `weights` do not fit keep their initial values.
  ///   - log: receives Caffe's lines; silent unless given.
  ///   - folder: what relative paths in solver and nets are relative to; empty for the current one.
  /// - Throws: the first mistake in the solver, one of its nets, or the snapshot.
  public init(
    _ parameter: SolverParameter, engine: Engine? = nil, precision: Precision? = nil,
    fusingLayers: Bool = true, choices: SpeedChoices? = nil, resuming snapshot: String? = nil,
    reusingMemory: Bool = false, skippingMismatches: Bool = false, folder: String = "",
    log: Logger = .silent
  ) throws {
    self.parameter = parameter
    self.log = log
    try withPlace(parameter.place) { try SolverChecks.check(parameter) }
    for remark in SolverChecks.remarks(on: parameter) { log.warning("\(remark)") }
    lossWindow = LossWindow(capacity: parameter.averageLoss)
    let state = try snapshot.map(TrainingState.read)
    let seed = SolverSeed.choose(parameter, otherwise: state?.extras?.seed)
    self.seed = seed
    let precision = precision ?? (parameter.precision == .bf16 ? .bfloat16 : .float32)
    func context(_ phase: Phase) -> LayerContext {
      LayerContext(
        phase: phase, engine: engine, precision: precision,
        fusesLayers: fusingLayers && !parameter.debugInfo, choices: choices,
        reusesMemory: reusingMemory && !parameter.debugInfo, seed: seed, folder: folder
      ) { log.info("\($0)") }
    }
    snapshotPrefix = context(.train).resolve(parameter.snapshotPrefix)
    let prefix = snapshotPrefix
    try withPlace(parameter.place) { try SnapshotPrefix.check(parameter, prefix: prefix) }
    let nets = try SolverNets(parameter, folder: folder) { log.info("\($0)") }
    log.info("Creating training net \(nets.trainSource)")
    let train = try Net(nets.train, context: context(.train))
    net = train
    try SolverChecks.checkNames(of: train, for: parameter, prefix: prefix)
    update = try Update(parameter, net: train)
    (iterations, learningRate) = try withPlace(parameter.place) {
      let length = try TrainingLength(parameter, net: train)
      if let note = length.note { log.info("\(note)") }
      let learningRate = try LearningRate(parameter, iterations: length.iterations)
      return (length.iterations, learningRate)
    }
    let start = state == nil ? parameter.weights : []
    var told: Set<String> = []
    func begin(_ net: Net) throws {
      try Solver.loadWeights(
        start, into: net, skippingMismatches: skippingMismatches, told: &told, log: log)
    }
    try begin(train)
    testNets = try Solver.testNets(nets, sharing: train, of: parameter, log: log) { test in
      let net = try Net(test, context: context(.test), sharing: train)
      try begin(net)
      return net
    }
    coverages = try Solver.coverages(of: testNets, for: parameter)
    if parameter.testsWholeSets, testNets.isEmpty {
      log.warning("test_interval is set, but test_iter is not, and there is no test net: no tests")
    }
    monitor = try Monitor(parameter, testNets: testNets)
    log.info("Solver scaffolding done.")
    if let state, let snapshot {
      log.info("Resuming from \(snapshot)")
      try restore(state, from: snapshot)
    }
  }

  /// What tests without `test_iter` run over.
  private static func coverages(
    of nets: [Net], for solver: SolverParameter
  ) throws -> [Coverage?] {
    try nets.enumerated().map { index, net in
      guard solver.testsWholeSets else { return nil }
      return try withPlace("test net (#\(index))") {
        guard let coverage = try net.coverage() else {
          throw CaffeError(
            "test_iter is not set, and no layer counts its records (Data, HDF5Data, ImageData do): set test_iter"
          )
        }
        return coverage
      }
    }
  }

  private static func testNets(
    _ nets: SolverNets, sharing train: Net, of solver: SolverParameter, log: Logger,
    make: (NetParameter) throws -> Net
  ) throws -> [Net] {
    try nets.tests.enumerated().map { index, test in
      log.info("Creating test net (#\(index)) specified by \(nets.testSources[index])")
      return try withPlace("test net (#\(index))") {
        let net = try make(test)
        net.debugInfo = solver.debugInfo
        return net
      }
    }
  }

  /// Starts from trained weights: paths, each possibly several separated by commas, loaded in turn
  /// into the train net and every test net.
  ///
  /// - Parameter skippingMismatches: layers that they do not fit keep their values.
  public func loadWeights(_ lists: [String], skippingMismatches: Bool = false) throws {
    var told: Set<String> = []
    for net in [net] + testNets {
      try Solver.loadWeights(
        lists, into: net, skippingMismatches: skippingMismatches, told: &told, log: log)
    }
  }

  /// - Parameter told: what has been said of other nets, which is not said again.
  private static func loadWeights(
    _ lists: [String], into net: Net, skippingMismatches: Bool, told: inout Set<String>,
    log: Logger
  ) throws {
    for path in lists.flatMap({ $0.split(separator: ",") }).map(String.init) {
      let trimmed = path.trimmed()
      log.info("Finetuning from \(trimmed)")
      try net.loadWeights(from: trimmed, skippingMismatches: skippingMismatches) { line in
        if told.insert(line).inserted { log.info("\(line)") }
      }
    }
  }

  /// Trains up to `max_iter` or `max_epoch`, or until tests show no progress, then takes the last
  /// snapshot and runs the last test.
  ///
  /// - Returns: whether the run was finished rather than stopped by the user.
  @discardableResult
  public func solve() throws -> Bool {
    log.info("Solving \(net.name)")
    log.info("Learning Rate Policy: \(parameter.lrPolicy)")
    try step(max(0, iterations - iteration))
    let isSaved = isMultiple(of: parameter.snapshot)
    if parameter.snapshotAfterTrain && !isSaved { try snapshot() }
    if isStopping {
      log.info("Optimization stopped early.")
      return false
    }
    if hasStoppedEarly {
      log.info("Optimization Done.")
      return true
    }
    if isMultiple(of: parameter.display) {
      lossWindow.append(try net.forward())
      log.info("Iteration \(iteration), loss = \(Text.number(lossWindow.mean))")
    }
    if isMultiple(of: parameter.testInterval) {
      try testOnSchedule()
    }
    log.info("Optimization Done.")
    return true
  }

  /// Makes `count` updates, or fewer if the user asks to stop.
  public func step(_ count: Int) throws {
    stopwatch.start(at: iteration)
    net.clearGradients()
    let end = iteration + count
    while iteration < end && !isStopping && !hasStoppedEarly {
      try testIfDue()
      if isStopping || hasStoppedEarly { break }
      try trainOnce()
      try snapshotIfDue()
    }
  }

  private func testIfDue() throws {
    guard isMultiple(of: parameter.testInterval), iteration > 0 || parameter.testInitialization
    else { return }
    try testOnSchedule()
  }

  /// One iteration without testing and snapshots: `iter_size` passes and the update.
  public func trainOnce() throws {
    extrasBeforeTest = nil
    if parameter.snapshotDiff { net.clearGradients() }
    let isDisplayed = isMultiple(of: parameter.display)
    net.debugInfo = isDisplayed && parameter.debugInfo
    let loss =
      try net.detectsAnomalies
      ? withPlace("iteration \(iteration)", forwardBackward) : forwardBackward()
    guard loss.isFinite else { throw divergence("the loss became \(Text.number(loss))") }
    lossWindow.append(loss)
    if isDisplayed { display() }
    followPlateau()
    let rate = rate(at: iteration)
    reportStep()
    if isDisplayed { log.info("Iteration \(iteration), lr = \(Text.number(rate))") }
    try observer?.solver(
      self,
      computed: TrainingMoment(
        iteration: iteration, loss: loss, averageLoss: lossWindow.mean, learningRate: rate))
    if let clipped = takeStep(rate: rate) { log.info("\(clipped)") }
    iteration += 1
  }

  /// The learning rate of an iteration, as far as losses up to now decide it.
  public func rate(at iteration: Int) -> Float {
    learningRate.rate(at: iteration, plateauSteps: run.plateauStep)
  }

  private func takeStep(rate: Float) -> String? {
    guard net.debugInfo else { return update.apply(rate: rate, iteration: iteration) }
    var note: String?
    net.reportUpdate { note = update.apply(rate: rate, iteration: iteration, keepingStep: true) }
    if !parameter.snapshotDiff { net.clearGradients() }
    return note
  }

  /// Runs `iter_size` passes, which add up their gradients, and returns the mean objective.
  public func forwardBackward() throws -> Float {
    var loss: Float = 0
    for _ in 0..<parameter.iterSize {
      loss += try net.forward()
      try net.backward()
    }
    return loss / Float(parameter.iterSize)
  }

  /// Applies the gradients of `forwardBackward` and clears them.
  public func applyUpdate() {
    _ = takeStep(rate: rate(at: iteration))
    iteration += 1
  }

  /// Whether what happens every `interval` iterations, 0 for never, happens now. As in Caffe the sign does
  /// not matter.
  private func isMultiple(of interval: Int) -> Bool {
    interval != 0 && iteration % interval == 0
  }

  private func snapshotIfDue() throws {
    var isWanted = isMultiple(of: parameter.snapshot)
    while let action = requestedAction() {
      switch action {
      case .snapshot: isWanted = true
      case .stop: isStopping = true
      }
    }
    if isWanted { try snapshot() }
  }

  /// Carries out what the user asked for in the middle of a test.
  func obeyDuringTest() throws {
    while let action = requestedAction() {
      switch action {
      case .snapshot: try snapshot()
      case .stop: isStopping = true
      }
    }
  }

  /// Lets the policy `plateau`, once the warm-up is over, see the loss.
  private func followPlateau() {
    guard parameter.lrPolicy == "plateau", iteration >= learningRate.warmUp?.iterations ?? 0
    else { return }
    if run.observe(
      loss: lossWindow.mean, at: iteration, windows: parameter.plateauWinsize)
    {
      log.info("Plateau Status: Iteration \(iteration), step = \(run.plateauStep)")
    }
  }

  private func reportStep() {
    guard parameter.lrPolicy == "multistep" else { return }
    let step = learningRate.step(at: iteration)
    if step != learningRate.step(at: iteration - 1) {
      log.info("MultiStep Status: Iteration \(iteration), step = \(step)")
    }
  }
}

/// What a user may ask of a running solver.
public enum SolverAction: Sendable {
  case stop
  case snapshot
}

extension Logger {
  /// Swallows everything.
  public static var silent: Logger { Logger(label: "caffe") { _ in SwiftLogNoOpLogHandler() } }
}
