import ArgumentParser
import Caffe
import Logging

/// How a run is watched.
struct WatchOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "caffe: Caffe's log lines. live: one line that is written over.",
      discussion: "Without it live on a terminal, caffe otherwise."))
  var log: LogStyle?

  @Flag(help: "Write warnings and errors only.")
  var quiet = false

  @Flag(
    help: ArgumentHelp(
      "After each displayed iteration, say how fast training is and how long it waited for data.",
      discussion: "In Caffe's log, so not with a live line."))
  var verbose = false

  @Option(
    help: "Write iterations, tests and snapshots to this file, a JSON object a line.")
  var logJson: String?

  @Option(
    name: .customLong("tensorboard"),
    help: ArgumentHelp(
      "Write a file of TensorBoard's events into this folder.",
      discussion: "Blobs then keep their memory until the end of an iteration."))
  var tensorBoard: String?

  @Option(
    help: "With --tensorboard, iterations between two sets of histograms and images.")
  var histogramInterval = 500

  @Flag(
    help: ArgumentHelp(
      "End the run at the first layer and blob with a value that is not finite, forward or backward.",
      discussion: "Looks at every value of every pass, which takes time."))
  var detectAnomaly = false

  func validate() throws {
    if histogramInterval < 1 {
      throw ValidationError("histogram-interval must be at least 1, got \(histogramInterval)")
    }
    if quiet && log != nil { throw ValidationError("Give --quiet or --log, not both.") }
    if verbose && (quiet || log == .live) {
      throw ValidationError(
        "--verbose writes to Caffe's log: give it without --quiet and --log live.")
    }
  }

  private var isLive: Bool {
    !quiet && (log == .live || log == nil && !verbose && TerminalLine.isTerminal)
  }

  /// Receives Caffe's lines.
  var logger: Logger {
    var logger = Logger(label: "caffe")
    if quiet || isLive { logger.logLevel = .warning }
    return logger
  }

  /// - Parameter continuing: whether the run goes on from a snapshot, and its files with it.
  /// - Returns: `nil` if nobody watches.
  func observer(of solver: Solver, continuing: Bool) throws -> RunMeter? {
    var sinks: [any RunSink] = []
    if isLive { sinks.append(LiveLog()) }
    if verbose { sinks.append(SpeedLog(logger)) }
    if let logJson { sinks.append(try JSONLog(logJson, continuing: continuing)) }
    if let tensorBoard {
      sinks.append(
        try TensorBoardLog(tensorBoard, solver: solver, interval: histogramInterval))
    }
    return sinks.isEmpty ? nil : try RunMeter(solver, sinks: sinks)
  }
}
