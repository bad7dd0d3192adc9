import ArgumentParser
import Caffe
import Logging

struct Time: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time a net layer by layer, or whole training iterations.",
    discussion: """
      Examples: caffe-swift time --model lenet_train_test.prototxt --iterations 50
                caffe-swift time --solver lenet_solver.prototxt --iterations 50 --json -

      With --model: the mean time of each layer's passes, as Caffe prints it, or as a table with the \
      code that ran, the order of the values, GFLOP/s, GB/s and conversions. With --solver: the medians \
      of whole iterations (forward, backward, update), after a warm-up. With --model and --inference: \
      the median of whole forward passes as test and classify make them.
      """)

  @Option(help: "The net whose layers are timed.")
  var model: String?

  @Option(help: "The solver whose iterations are timed.")
  var solver: String?

  @Option(help: "How many iterations.")
  var iterations = 50

  @Option(help: "With --model, the net's phase: TRAIN or TEST.")
  var phase = Phase.train

  @Flag(
    help: "With --model, time whole forward passes in phase TEST, without memory for gradients.")
  var inference = false

  @Option(help: "Write one JSON object to this file, or to - for standard output.")
  var json: String?

  @Flag(help: "With --model, print a table instead of Caffe's lines.")
  var table = false

  @Option(
    help: "With --model, write the last iteration to this file, for chrome://tracing or Perfetto.")
  var trace: String?

  @Flag(help: "With --model, say which engine each layer runs on and which declined.")
  var verbose = false

  @OptionGroup var state: StateOptions
  @OptionGroup var engine: EngineOptions

  func validate() throws {
    guard (model == nil) != (solver == nil) else {
      throw ValidationError("Need a model definition or a solver to time, one of the two.")
    }
    if iterations < 1 { throw ValidationError("iterations must be at least 1, got \(iterations)") }
    if solver != nil && (table || trace != nil || inference) {
      throw ValidationError("--table, --trace and --inference go with --model.")
    }
    if inference && (table || trace != nil || verbose) {
      throw ValidationError(
        "--inference times whole passes, not layers as --table, --trace and --verbose.")
    }
    if model != nil && verbose && (table || json != nil) {
      throw ValidationError("--verbose adds to Caffe's lines, which --table and --json leave out.")
    }
  }

  func run() throws {
    let log = Logger(label: "caffe")
    engine.report(to: log)
    if let solver { try timeIterations(solver, log: .quiet) }
    if let model, inference { try timeInference(model, log: .quiet) }
    if let model, !inference { try timeLayers(model, log: table || json != nil ? .quiet : log) }
  }

  private func timeInference(_ path: String, log: Logger) throws {
    var description = try NetParameter.read(path)
    state.apply(to: &description, phase: .test)
    let net = try Net(
      description, context: engine.context(.test, reusesMemory: true, log: log))
    let forward = try Durations(forward: net, iterations: iterations)
    let result = InferenceResult(
      net: net.name, iterations: iterations, forwardMs: forward.median,
      peakMb: IterationTiming.peakMegabytes)
    if let json { return try write(JSONLine.text(result), to: json) }
    print(
      "\(net.name): forward \(Text.number(result.forwardMs)) ms, peak \(result.peakMb) MB")
  }

  /// What `--inference --json` prints; the names are part of the command's contract.
  private struct InferenceResult: Encodable {
    let net: String
    let iterations: Int
    let forwardMs: Double
    let peakMb: Int
  }

  private func timeIterations(_ path: String, log: Logger) throws {
    var parameter = try SolverParameter.read(path)
    state.apply(to: &parameter)
    parameter.onlyTrains()
    let run = try Solver(
      parameter, engine: engine.engine, precision: engine.precision,
      fusingLayers: engine.fusesLayers, choices: engine.speedChoices(log: log), reusingMemory: true,
      log: log)
    let warmUp = 3
    let waitedBefore = run.net.waitedForData ?? .zero
    let timing = try IterationTiming(run, iterations: iterations, warmUp: warmUp)
    let waited = run.net.waitedForData.map { ($0 - waitedBefore) / .milliseconds(1) }
    let result = Result(
      net: run.net.name, iterations: iterations, iterationMs: timing.iteration.median,
      forwardMs: timing.forward.median, backwardMs: timing.backward.median,
      updateMs: timing.update.median, dataWaitMs: waited.map { $0 / Double(warmUp + iterations) },
      peakMb: IterationTiming.peakMegabytes)
    try report(result)
  }

  /// What `--json` prints, as `iteration_ms` and so on: the names are part of the command's contract.
  private struct Result: Encodable {
    let net: String
    let iterations: Int
    let iterationMs: Double
    let forwardMs: Double
    let backwardMs: Double
    let updateMs: Double
    /// A mean; nil where no layer reads data.
    let dataWaitMs: Double?
    let peakMb: Int
  }

  private func report(_ result: Result) throws {
    guard let json else {
      print(
        "\(result.net): iteration \(Text.number(result.iterationMs)) ms"
          + " (forward \(Text.number(result.forwardMs)), backward \(Text.number(result.backwardMs)),"
          + " update \(Text.number(result.updateMs)))"
          + (result.dataWaitMs.map { ", waiting for data \(Text.number($0)) ms" } ?? "")
          + ", peak \(result.peakMb) MB")
      return
    }
    try write(JSONLine.text(result), to: json)
  }

  private func write(_ line: String, to path: String) throws {
    if path == "-" {
      print(line)
    } else {
      try AtomicFile.write(path, text: line + "\n")
    }
  }

  private func timeLayers(_ path: String, log: Logger) throws {
    var description = try NetParameter.read(path) { log.info("\($0)") }
    state.apply(to: &description, phase: phase)
    let net = try Net(
      description, context: engine.context(phase, reusesMemory: phase == .train, log: log))
    log.info("Performing Forward")
    let loss = try net.forward()
    log.info("Initial loss: \(Text.number(loss))")
    log.info("Performing Backward")
    try net.backward()
    log.info("*** Benchmark begins ***")
    log.info("Testing for \(iterations) iterations.")
    let timing = try LayerTiming(net, iterations: iterations) { index, milliseconds in
      log.info("Iteration: \(index) forward-backward time: \(Text.number(milliseconds)) ms.")
    }
    report(timing, of: net, log: log)
    log.info("*** Benchmark ends ***")
    if let trace { try write(JSONLine.text(ChromeTrace(net, timing), snakeCase: false), to: trace) }
    guard table || json != nil else { return }
    let profile = try NetProfile(net, timing, precision: engine.precision ?? .float32)
    if table { for line in profile.lines { print(line) } }
    if let json { try write(JSONLine.text(profile), to: json) }
  }

  private func report(_ timing: LayerTiming, of net: Net, log: Logger) {
    log.info("Average time per layer: ")
    for (index, layer) in net.layers.enumerated() {
      let (ahead, back) = (timing.forward[index].mean, timing.backward[index].mean)
      log.info("\(padded(layer.name))\tforward: \(Text.number(ahead)) ms.")
      log.info("\(padded(layer.name))\tbackward: \(Text.number(back)) ms.")
      if verbose { describeEngine(of: layer, log: log) }
    }
    let ahead = timing.forward.map(\.mean).reduce(0, +)
    let back = timing.backward.map(\.mean).reduce(0, +)
    log.info("Average Forward pass: \(Text.number(ahead)) ms.")
    log.info("Average Backward pass: \(Text.number(back)) ms.")
    log.info("Average Forward-Backward: \(Text.number(timing.passes.mean)) ms.")
    log.info("Total Time: \(Text.number(timing.passes.total)) ms.")
  }

  private func describeEngine(of layer: Layer, log: Logger) {
    log.info("\(padded(layer.name))\tengine: \(layer.engine.engine.rawValue)")
    if let host = layer.fusedInto { log.info("\(padded(layer.name))\tfused into \(host)") }
    for refusal in layer.engine.refusals { log.info("\(padded(layer.name))\t\(refusal)") }
  }

  private func padded(_ name: String) -> String {
    String(repeating: " ", count: max(0, 10 - name.count)) + name
  }
}

extension SolverParameter {
  /// Leaves out test nets and snapshots, which take no part in an iteration.
  fileprivate mutating func onlyTrains() {
    clearTestIter()
    clearTestInterval()
    clearTestState()
    clearTestNet()
    clearTestNetParam()
    clearSnapshot()
    clearSnapshotKeepBest()
    clearMonitor()
    clearEarlyStopPatience()
    snapshotAfterTrain = false
  }
}
