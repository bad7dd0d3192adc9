import ArgumentParser
import Caffe
import Logging

extension Engine: ExpressibleByArgument {
  public init?(argument: String) { self.init(rawValue: argument.uppercased()) }
}

extension Phase: ExpressibleByArgument {
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

  @Option(help: "Accepted for scripts written for Caffe; caffe-swift computes on the CPU.")
  var gpu: String?

  func report(mode solver: SolverParameter? = nil, to log: Logger) {
    if let gpu { log.warning("-gpu \(gpu) is ignored: caffe-swift computes on the CPU") }
    if let solver, solver.hasSolverMode, solver.solverMode == .gpu {
      log.warning("solver_mode: GPU is ignored: caffe-swift computes on the CPU")
    }
    log.info("Use CPU.")
  }
}
