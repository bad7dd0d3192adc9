import CaffeCore
import CaffeErrors
import CaffeNet
import CaffeSchema
import CaffeSolver

/// What is wrong with the text of a net or a solver, and with the nets it describes, in both phases.
///
///     let check = FileCheck(net: "train_val.prototxt")
///     check.findings.forEach { print($0) }
package struct FileCheck {
  /// Errors and warnings in the order of their lines, each once.
  package var findings: [Finding] {
    var seen: Set<Finding> = []
    return (mistakes + all).filter { seen.insert($0).inserted }
      .sorted { ($0.file, $0.line ?? 0) < ($1.file, $1.line ?? 0) }
  }

  private var all: [Finding] = []
  /// What the reader of the text objects to.
  private var mistakes: [Finding] = []
  private let given: GivenShapes
  /// Whether snapshots cannot keep two layers of one name apart.
  private var needsUniqueNames = false

  /// Checks a net in phases TRAIN and TEST.
  ///
  /// - Parameter state: further level and stages of the net's state.
  package init(
    net path: String, given: GivenShapes = GivenShapes(), state: NetState = NetState()
  ) {
    self.given = given
    guard var net: NetParameter = read(path),
      let upgraded = attempt(path, { try net.upgraded(file: path).net })
    else { return }
    net = upgraded
    net.state.merge(state)
    for phase in Phase.allCases { _ = check(net, path, phase: phase) }
  }

  /// Checks a solver, and the nets it names in the states it gives them.
  package init(solver path: String, given: GivenShapes = GivenShapes()) {
    self.given = given
    guard let text: SolverParameter = read(path),
      let solver = attempt(path, { try text.upgraded(file: path).solver })
    else { return }
    _ = attempt(path) { try SolverChecks.check(solver) }
    needsUniqueNames = SolverChecks.keepsLayersByName(solver, prefix: solver.snapshotPrefix)
    for remark in SolverChecks.remarks(on: solver) { warn(path, remark) }
    var malformed = false
    for file in Set([solver.net, solver.trainNet] + solver.testNet) where !file.isEmpty {
      let net: NetParameter? = read(file)
      malformed = malformed || net == nil || all.contains { $0.file == file }
    }
    guard !malformed, let nets = attempt(path, { try SolverNets(solver, folder: "") }) else {
      return
    }
    checkTraining(check(nets.train, nets.train.file ?? path, phase: .train), path)
    for (index, test) in nets.tests.enumerated() {
      let plan = check(test, test.file ?? path, phase: .test)
      if index < solver.testIter.count, solver.testIter[index] > 0, let plan {
        checkCoverage(plan, iterations: solver.testIter[index], index, path)
      }
    }
  }

  private mutating func check(_ net: NetParameter, _ file: String, phase: Phase) -> NetPlan? {
    let misread = Set(mistakes.filter { $0.file == file }.compactMap(\.line))
    let check = NetCheck(
      net, file: file, misread: misread, given: given, context: LayerContext(phase: phase))
    all += check.findings
    if let graph = check.graph { all += Warnings.onGraph(graph, file: file) }
    if let plan = check.plan {
      all += Warnings.onParameters(plan, file: file)
      if phase == .train || !needsUniqueNames { checkNames(plan, file) }
    }
    return check.plan
  }

  private mutating func checkNames(_ plan: NetPlan, _ file: String) {
    let layers = plan.layers.map {
      (name: $0.parameter.name, hasBlobs: !$0.declarations.isEmpty)
    }
    guard let namesake = Weights.namesake(in: layers) else { return }
    let layer = plan.layers[namesake].parameter
    all.append(
      needsUniqueNames
        ? Finding(.error, layer, file: file, SolverChecks.namesakeRefusal)
        : Finding(
          .warning, layer, file: file,
          "a layer before it has its name: weights are loaded into that one only"))
  }

  // MARK: What only a solver can tell

  private mutating func checkTraining(_ plan: NetPlan?, _ path: String) {
    guard let plan, !plan.layers.contains(where: { $0.lossWeights.contains { $0 != 0 } }) else {
      return
    }
    warn(path, "the train net has no loss: nothing will be learnt")
  }

  /// The batches of a test should be the whole test set.
  private mutating func checkCoverage(
    _ plan: NetPlan, iterations: Int, _ index: Int, _ path: String
  ) {
    for planned in plan.layers {
      guard let layer = planned.layer,
        let coverage = try? Coverage(
          of: layer, top: planned.tops.first.map { plan.blobs[$0].shape })
      else { continue }
      let (records, batch, needed) = (coverage.records, coverage.batch, coverage.passes)
      let seen = iterations * batch
      guard seen != records else { return }
      let what =
        seen < records
        ? "only \(seen) of the \(records) records are tested"
        : "\(seen - records) of the \(records) records are tested twice"
      return warn(
        path,
        "test_iter \(iterations) × batch_size \(batch) of test net (#\(index)): \(what); the whole set takes test_iter \(needed)"
          + (needed * batch == records ? "" : ", or a batch_size that divides \(records)"))
    }
  }

  // MARK: Reading

  /// Reads a message as far as it can be read.
  private mutating func read<Content: Message>(_ path: String) -> Content? {
    var mistakes: [CaffeError] = []
    let content = attempt(path) { try Content(contentsOfTextFile: path, mistakes: &mistakes) }
    self.mistakes += mistakes.map { Finding($0, file: path) }
    return content
  }

  private mutating func attempt<Result>(_ path: String, _ body: () throws -> Result) -> Result? {
    do {
      return try body()
    } catch let error as CaffeError {
      all.append(Finding(error, file: path))
    } catch {
      all.append(Finding(.error, file: path, line: nil, "\(error)"))
    }
    return nil
  }

  private mutating func warn(_ path: String, _ text: String) {
    all.append(Finding(.warning, file: path, line: nil, text))
  }
}

extension NetParameter {
  fileprivate var file: String? { location?.file }
}
