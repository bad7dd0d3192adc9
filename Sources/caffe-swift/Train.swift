import ArgumentParser
import Caffe
import Glibc
import Logging

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train the net of a solver file, from scratch, from weights or from a snapshot.",
    discussion: """
      Example: caffe-swift train --solver prototxt/lenet/lenet_solver.prototxt
      Resume:  caffe-swift train --solver lenet_solver.prototxt --snapshot lenet_iter_500.solverstate.h5
      Fine-tune: caffe-swift train --solver s.prototxt --weights big.caffemodel --skip-mismatch

      Ctrl-C stops after the current iteration with a snapshot, a second one at once; SIGHUP takes \
      a snapshot and goes on. If nobody reads the log any more (train 2>&1 | head) the run goes on.
      """)

  @Option(help: "The solver file, a SolverParameter as text.")
  var solver: String

  @Option(help: "Resume from this .solverstate or .solverstate.h5.")
  var snapshot: String?

  @Option(help: "Start from the weights in these files, separated by commas.")
  var weights: String?

  @Option(
    help: ArgumentHelp(
      "What SIGINT does.",
      discussion: "SIGTERM stops as `stop` does; with `none` it ends the run at once."))
  var sigintEffect = SignalEffect.stop

  @Option(help: "What SIGHUP does.")
  var sighupEffect = SignalEffect.snapshot

  @OptionGroup var watching: WatchOptions
  @OptionGroup var matching: MatchingOptions
  @OptionGroup var state: StateOptions
  @OptionGroup var engine: EngineOptions

  func validate() throws {
    if snapshot != nil && weights != nil {
      throw ValidationError(
        "Give a snapshot to resume training or weights to finetune but not both.")
    }
    if snapshot != nil && matching.skipMismatch {
      throw ValidationError("--skip-mismatch goes with weights, not with a snapshot.")
    }
  }

  func run() throws {
    let log = watching.logger
    var parameter = try SolverParameter.read(solver) { log.info("\($0)") }
    state.apply(to: &parameter)
    engine.report(mode: parameter, to: log)
    Signals.install(interrupt: sigintEffect.action, hangup: sighupEffect.action)
    // A log is not worth the run.
    signal(SIGPIPE, SIG_IGN)
    if let weights { parameter.weights = [weights] }
    let run = try Solver(
      parameter, engine: engine.engine, precision: engine.precision,
      fusingLayers: engine.fusesLayers, choices: engine.speedChoices(log: log), resuming: snapshot,
      reusingMemory: watching.tensorBoard == nil && !watching.detectAnomaly,
      skippingMismatches: matching.skipMismatch, log: log)
    let lock = try run.lockSnapshots()
    run.requestedAction = Signals.take
    run.net.detectsAnomalies = watching.detectAnomaly
    run.observer = try watching.observer(of: run, continuing: snapshot != nil)
    log.info("Starting Optimization")
    _ = try withExtendedLifetime(lock) { try run.solve() }
    TerminalLine.finish()
    log.info("Optimization Done.")
  }
}
