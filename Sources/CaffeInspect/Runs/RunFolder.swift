import CaffeCore
import CaffeData
import CaffeErrors
import CaffeNet
import CaffeSchema
import CaffeSolver
import Foundation

/// A folder in which `train --run` keeps what its report tells.
package struct RunFolder: Sendable {
  package let path: String

  package init(_ path: String) { self.path = path }

  /// The run's records, as of `--log-json`.
  package var log: String { path + "/log.json" }
  /// A `HistogramRecord` a line.
  package var histograms: String { path + "/histograms.json" }
  /// The solver with its nets in it.
  package var solver: String { path + "/solver.prototxt" }
  /// A `MachineRecord`.
  package var machine: String { path + "/machine.json" }

  /// Whether a run was kept there.
  package var isRun: Bool { FileManager.default.fileExists(atPath: log) }

  /// Makes the folder if it is not there and writes what is known when a run begins.
  ///
  /// - Parameter continuing: whether the run goes on from a snapshot, and its files with it.
  /// - Returns: what receives the run's records.
  /// - Throws: a folder that has a run already, unless it goes on; a file that cannot be written.
  package func begin(
    _ solver: Solver, machine record: MachineRecord, histogramInterval: Int, continuing: Bool
  ) throws -> [any RunSink] {
    if !continuing { try AtomicFile.checkIsNew(log) }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw CaffeError(error.localizedDescription, places: [path])
    }
    try AtomicFile.write(
      self.solver, text: solver.parameter.holdingNets(folder: record.folder).text())
    try AtomicFile.write(machine, text: JSONLine.text(record) + "\n")
    return [
      try HistogramLog(histograms, interval: histogramInterval, continuing: continuing),
      try JSONLog(log, continuing: continuing),
    ]
  }
}

extension SolverParameter {
  /// The same solver with the nets themselves in place of the names of their files.
  ///
  /// - Parameter folder: what the names are relative to.
  func holdingNets(folder: String) throws -> SolverParameter {
    var solver = findingNets(from: folder)
    if hasNet {
      solver.netParam = try NetParameter.read(solver.net)
      solver.clearNet()
    }
    if hasTrainNet {
      solver.trainNetParam = try NetParameter.read(solver.trainNet)
      solver.clearTrainNet()
    }
    solver.testNetParam += try solver.testNet.map { try NetParameter.read($0) }
    solver.clearTestNet()
    return solver
  }

  /// The solver's own fields.
  func withoutNets() -> SolverParameter {
    var solver = self
    solver.clearNetParam()
    solver.clearTrainNetParam()
    solver.clearTestNetParam()
    return solver
  }
}
