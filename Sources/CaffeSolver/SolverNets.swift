import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeSchema

/// The nets a solver file describes: one to train, any number to test.
package struct SolverNets {
  package let train: NetParameter
  package let tests: [NetParameter]
  /// Where each is described, as Caffe's log says it: `from net file: net.prototxt`.
  let trainSource: String
  let testSources: [String]

  /// Reads the net files and gives each net its state: phase, then the net's own `state`, then
  /// `train_state` or `test_state`.
  ///
  /// - Parameter report: told what was upgraded.
  /// - Throws: none or several train nets, counts that do not match, unreadable net files.
  ///
  /// Source: BVLC Caffe, `Solver::InitTrainNet`, `Solver::InitTestNets`.
  package init(
    _ solver: SolverParameter, folder: String, report: (String) -> Void = { _ in }
  ) throws {
    let solver = solver.findingNets(from: folder)
    train = try SolverNets.train(solver, report)
    tests = try SolverNets.tests(solver, report)
    trainSource = solver.trainSource
    testSources = solver.testSources(count: tests.count)
  }

  private static func train(
    _ solver: SolverParameter, _ report: (String) -> Void
  ) throws -> NetParameter {
    let fields = [
      (solver.hasNet, "net"), (solver.hasNetParam, "net_param"), (solver.hasTrainNet, "train_net"),
      (solver.hasTrainNetParam, "train_net_param"),
    ].filter(\.0).map(\.1)
    guard let field = fields.first else {
      throw solver.mistake(
        "SolverParameter must specify a train net using one of these fields: net, net_param, train_net, train_net_param"
      )
    }
    guard fields.count == 1 else {
      throw solver.mistake(
        "SolverParameter must not contain more than one of these fields specifying a train net: \(fields.joined(separator: ", "))"
      )
    }
    let net =
      switch field {
      case "net": try solver.readNet(solver.net, "net", report)
      case "net_param": try solver.netParam.upgraded(file: "net_param", report: report)
      case "train_net": try solver.readNet(solver.trainNet, "train_net", report)
      default: try solver.trainNetParam.upgraded(file: "train_net_param", report: report)
      }
    return net.inState(phase: .train, solver.trainState)
  }

  private static func tests(
    _ solver: SolverParameter, _ report: (String) -> Void
  ) throws -> [NetParameter] {
    let named = solver.testNetParam.count + solver.testNet.count
    let hasGeneric = solver.hasNet || solver.hasNetParam
    let isEnough =
      hasGeneric ? solver.testIter.count >= named : solver.testIter.count == named
    guard solver.testsWholeSets || isEnough else {
      throw solver.mistake(
        "test_iter must be specified for each test network: \(solver.testIter.count) given, \(named) test nets"
      )
    }
    var nets = try solver.testNetParam.map {
      try $0.upgraded(file: "test_net_param", report: report)
    }
    nets += try solver.testNet.map { try solver.readNet($0, "test_net", report) }
    func generic() throws -> NetParameter {
      solver.hasNet
        ? try solver.readNet(solver.net, "net", report)
        : try solver.netParam.upgraded(file: "net_param", report: report)
    }
    for _ in nets.count..<max(nets.count, solver.testIter.count) { nets.append(try generic()) }
    if solver.testsWholeSets, nets.isEmpty, hasGeneric {
      nets = [try generic()].filter(\.hasTestData)
    }
    guard solver.testState.isEmpty || solver.testState.count == nets.count else {
      throw solver.mistake(
        "test_state must be unspecified or specified once per test net: \(solver.testState.count) given, \(nets.count) test nets"
      )
    }
    guard nets.isEmpty || solver.testInterval > 0 else {
      throw solver.mistake(
        "test_interval must be positive when there are test nets, got \(solver.testInterval)")
    }
    return nets.enumerated().map { index, net in
      net.inState(phase: .test, solver.testState.isEmpty ? NetState() : solver.testState[index])
    }
  }
}

extension NetParameter {
  /// Whether a source of data is there for the phase TEST alone.
  fileprivate var hasTestData: Bool {
    layer.contains { layer in
      layer.bottom.isEmpty && layer.include.contains { $0.hasPhase && $0.phase == .test }
    }
  }

  func inState(phase: Phase, _ solverState: NetState) -> NetParameter {
    var merged = NetState()
    merged.phase = phase
    merged.merge(state)
    merged.merge(solverState)
    var net = self
    net.state = merged
    return net
  }
}

extension SolverParameter {
  /// Whether tests run over the whole test set, since nobody says how many batches they take.
  package var testsWholeSets: Bool { testInterval > 0 && testIter.isEmpty }

  /// The same with the paths of its net files as they are from here.
  ///
  /// - Parameter folder: what relative ones are relative to.
  package func findingNets(from folder: String) -> SolverParameter {
    var solver = self
    if hasNet { solver.net = LayerContext.path(net, from: folder) }
    if hasTrainNet { solver.trainNet = LayerContext.path(trainNet, from: folder) }
    solver.testNet = testNet.map { LayerContext.path($0, from: folder) }
    return solver
  }

  fileprivate var trainSource: String {
    if hasTrainNetParam { return "specified in train_net_param." }
    if hasTrainNet { return "from train_net file: \(trainNet)" }
    return hasNetParam ? "specified in net_param." : "from net file: \(net)"
  }

  fileprivate func testSources(count: Int) -> [String] {
    let named =
      testNetParam.map { _ in "test_net_param" } + testNet.map { "test_net file: \($0)" }
    let generic = hasNetParam ? "net_param" : "net file: \(net)"
    return named + Array(repeating: generic, count: count - named.count)
  }

  fileprivate func readNet(
    _ path: String, _ field: String, _ report: (String) -> Void
  ) throws -> NetParameter {
    if FileBytes.isMissing(path) { throw mistake("\(field): File not found: \(path)") }
    return try NetParameter.read(path, report: report)
  }

  fileprivate func mistake(_ message: String) -> CaffeError { CaffeError(message, places: [place]) }
}
