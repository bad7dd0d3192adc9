import CaffeCore
import CaffeData
import CaffeErrors
import CaffeNet
import CaffeSchema
import CaffeSolver
import Foundation

/// What a run left behind, as a page: a run folder, or as much as a log alone tells.
///
/// Files are read when a part is asked for, so that the parts of a run that goes on are up to date.
package struct RunReport: Sendable {
  package let name: String
  /// `--log-json`, or Caffe's.
  package let log: String
  let folder: RunFolder?
  /// A solver file; nil for the run folder's.
  let givenSolver: String?
  /// Weights; nil for the run's newest snapshot.
  let givenWeights: String?
  let labels: ClassNames?

  /// - Parameters:
  ///   - path: a folder that `train --run` made, or a log.
  ///   - solver: the solver file of a run of which there is only a log.
  ///   - weights: these instead of the newest snapshot's.
  ///   - labels: the names of the classes.
  /// - Throws: a folder that is no run's.
  package init(
    _ path: String, solver: String? = nil, weights: String? = nil, labels: ClassNames? = nil
  ) throws {
    if FileBytes.isFolder(path) {
      let folder = RunFolder(path)
      guard folder.isRun else {
        throw CaffeError(
          "there is no log.json in it; caffe-swift train --run FOLDER makes one", places: [path])
      }
      (self.folder, log) = (folder, folder.log)
    } else {
      (folder, log) = (nil, path)
    }
    name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    givenSolver = solver
    givenWeights = weights
    self.labels = labels
  }

  /// The whole report.
  ///
  /// - Parameter evaluation: the result of a pass over the test set; an error says why there is none.
  package func page(_ evaluation: Result<Evaluation, CaffeError>) -> HTML {
    ReportPage.page(
      title: "Run \(name)",
      sections: ReportPart.ofARun.map { ReportSection($0, content(of: $0, evaluation)) })
  }

  /// A part of the report; where something for it is missing, a sentence that says so.
  package func content(
    of part: ReportPart, _ evaluation: Result<Evaluation, CaffeError>
  ) -> HTML {
    do {
      return switch part {
      case .runs: ""
      case .overview: try overview()
      case .curves: try curves()
      case .confusion: try confusion(evaluation.get())
      case .mistakes: try mistakes(evaluation.get())
      case .filters: try filters()
      case .histograms: try histograms()
      case .graph: try graph()
      case .solver: try solverSettings()
      case .machine: try machine()
      }
    } catch {
      return "<p class=\"missing\">Not here: \("\(error)").</p>"
    }
  }

  /// The files that a part is made from.
  ///
  /// - Parameter weights: those of the newest snapshot, if there is one.
  package func files(of part: ReportPart, weights: String?) -> [String] {
    switch part {
    case .runs: []
    case .overview, .curves: [log]
    case .machine: [log] + (folder.map { [$0.machine] } ?? [])
    case .histograms: folder.map { [$0.histograms] } ?? []
    case .graph, .solver: [givenSolver ?? folder?.solver].compactMap { $0 }
    case .confusion, .mistakes, .filters: [weights].compactMap { $0 }
    }
  }
}

// MARK: - What the parts are made from

extension RunReport {
  func history() throws -> RunHistory { try RunHistory(contentsOf: log) }

  /// - Throws: for a log of Caffe, which has no records.
  package func records() throws -> [RunRecord] { try RunRecord.read(log) }

  /// The weights to look at.
  ///
  /// - Throws: if the run has taken no snapshot that is still there.
  package func weights() throws -> String {
    if let givenWeights { return givenWeights }
    let snapshots = try records().compactMap { record in
      if case .snapshot(let snapshot) = record { snapshot.path } else { nil }
    }
    for path in snapshots.reversed() {
      let file = URL(fileURLWithPath: path).lastPathComponent
      let places =
        [LayerContext.path(path, from: workingFolder)]
        + (folder.map { ["\($0.path)/\(file)"] } ?? [])
      if let found = places.first(where: FileManager.default.fileExists) { return found }
    }
    throw CaffeError(
      snapshots.isEmpty
        ? "the run has taken no snapshot yet"
        : "no snapshot of the run is there any more, the last was \(snapshots[snapshots.count - 1])"
    )
  }

  /// What relative paths of the run are relative to; empty for the present folder.
  var workingFolder: String { (try? machineRecord())?.folder ?? "" }

  func machineRecord() throws -> MachineRecord {
    guard let folder else {
      throw CaffeError("a log does not tell on which machine it was made; train --run does")
    }
    let bytes = try FileBytes.read(folder.machine, limit: FileBytes.largestText)
    do {
      return try JSONLine.decoder.decode(MachineRecord.self, from: Data(bytes))
    } catch {
      throw CaffeError("this is no record of a machine", places: [folder.machine])
    }
  }

  /// The solver with its nets.
  func solver() throws -> SolverParameter {
    guard let path = givenSolver ?? folder?.solver else {
      throw CaffeError("a log does not hold the solver; give it with --solver")
    }
    let folder = givenSolver == nil ? workingFolder : ""
    return try SolverParameter.read(path).holdingNets(folder: folder)
  }

  /// Runs the first test net with the run's weights over its test set.
  ///
  /// - Parameters:
  ///   - passes: how many batches; nil for the whole test set.
  ///   - progress: is told after each batch how many were made, of how many.
  package func evaluate(
    passes: Int? = nil, progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) -> Result<Evaluation, CaffeError> {
    do {
      let (solver, weights) = (try solver(), try weights())
      guard let test = try SolverNets(solver, folder: workingFolder).tests.first else {
        throw CaffeError("the solver has no test net")
      }
      let net = try Net(test, context: LayerContext(phase: .test, folder: workingFolder))
      try net.loadWeights(from: weights)
      let evaluation = try Evaluation(
        of: net, weights: weights, passes: passes, otherwise: max(1, solver.testIter.first ?? 1),
        progress: progress)
      if let labels { try labels.check(classes: evaluation.confusion.classes) }
      return .success(evaluation)
    } catch let error as CaffeError {
      return .failure(error)
    } catch {
      return .failure(CaffeError("\(error)"))
    }
  }

  func className(_ number: Int) -> String { labels?.names[number] ?? "\(number)" }
}
