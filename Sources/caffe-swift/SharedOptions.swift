import ArgumentParser
import Caffe
import Logging

extension Engine: ExpressibleByArgument {
  public init?(argument: String) { self.init(rawValue: argument.uppercased()) }
}

extension Precision: ExpressibleByArgument {
  public init?(argument: String) { self.init(rawValue: argument.uppercased()) }
}

extension Phase: ExpressibleByArgument {
  public static var allValueStrings: [String] { ["TRAIN", "TEST"] }
  public var defaultValueDescription: String { self == .train ? "TRAIN" : "TEST" }

  public init?(argument: String) {
    switch argument {
    case "TRAIN": self = .train
    case "TEST": self = .test
    default: return nil
    }
  }
}

extension WritableDatabase: ExpressibleByArgument {}
extension FeatureFormat: ExpressibleByArgument {}

enum SignalEffect: String, ExpressibleByArgument, CaseIterable {
  case stop
  case snapshot
  case none

  var action: SolverAction? {
    switch self {
    case .stop: .stop
    case .snapshot: .snapshot
    case .none: nil
    }
  }
}

/// Which layers of a net are built.
struct StateOptions: ParsableArguments {
  @Option(help: "Level of the net's state, for include and exclude rules.")
  var level = 0

  @Option(help: "Stages of the net's state, separated by commas.")
  var stage = ""

  var stages: [String] { stage.split(separator: ",").map(String.init) }

  /// What the options add to a net's own state.
  var extraState: NetState {
    var state = NetState()
    state.level = level
    state.stage = stages
    return state
  }

  func apply(to solver: inout SolverParameter) {
    var state = solver.trainState
    state.level = level
    state.stage += stages
    solver.trainState = state
  }

  func apply(to net: inout NetParameter, phase: Phase) {
    var state = net.state
    state.phase = phase
    state.level = level
    state.stage += stages
    net.state = state
  }
}

/// What becomes of layers that the weights do not fit.
struct MatchingOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Layers whose blobs have another shape in the weights keep their initial values.",
      discussion:
        "For fine-tuning, such as to another number of classes. Without it that is an error."))
  var skipMismatch = false
}

struct EngineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "CAFFE (OpenBLAS and C loops) or ONEDNN, for layers that name no engine themselves.",
      discussion: "Without it each layer takes the faster engine that agrees with Caffe."))
  var engine: Engine?

  @Option(
    help: ArgumentHelp(
      "In which numbers convolutions, inner products and recurrent layers multiply: FLOAT32 or BF16.",
      discussion: """
        BF16 needs a processor with AVX-512 BF16; with --engine CAFFE it is imitated on any other. It goes \
        before a solver's own field "precision".
        """))
  var precision: Precision?

  @Flag(
    name: .customLong("no-fusion"),
    help: "Run every layer by itself, as --engine CAFFE and debug_info do.")
  var runsEveryLayer = false

  @Option(
    help: ArgumentHelp(
      "File of measured choices between codes; 'none' for built-in rules.",
      discussion: """
        What depends on the machine is timed once and remembered, by default in $CAFFE_SWIFT_CHOICES or \
        ~/.cache/caffe-swift/choices.tsv. The same file gives the same numbers, bit for bit.
        """))
  var choices: String?

  @Option(help: "Accepted for scripts written for Caffe; caffe-swift computes on the CPU.")
  var gpu: String?

  var fusesLayers: Bool { !runsEveryLayer }

  /// The choices that nets are to go by; `nil`, after a warning, if no file can keep them.
  func speedChoices(log: Logger) -> SpeedChoices? {
    guard engine != .caffe, let path = choices ?? ChoiceFile.standardPath, path != "none" else {
      return nil
    }
    do {
      return SpeedChoices(machine: ChoiceFile.machine, memory: try ChoiceFile(path)) {
        log.warning("\($0)")
      }
    } catch {
      log.warning("choices are not measured, the built-in rules decide: \(error)")
      return nil
    }
  }

  func context(_ phase: Phase, reusesMemory: Bool = false, log: Logger) -> LayerContext {
    LayerContext(
      phase: phase, engine: engine, precision: precision ?? .float32, fusesLayers: fusesLayers,
      choices: speedChoices(log: log), reusesMemory: reusesMemory,
      keepsParameters: !(reusesMemory && phase == .test)
    ) { log.info("\($0)") }
  }

  func report(mode solver: SolverParameter? = nil, to log: Logger) {
    if let gpu { log.warning("-gpu \(gpu) is ignored: caffe-swift computes on the CPU") }
    if let solver, solver.hasSolverMode, solver.solverMode == .gpu {
      log.warning("solver_mode: GPU is ignored: caffe-swift computes on the CPU")
    }
    log.info("Use CPU.")
  }
}

extension Logger {
  /// Caffe's log without what is only information.
  static var quiet: Logger {
    var log = Logger(label: "caffe")
    log.logLevel = .warning
    return log
  }
}
