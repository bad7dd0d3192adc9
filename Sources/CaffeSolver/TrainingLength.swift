import CaffeErrors
import CaffeNet
import CaffeSchema

/// How many iterations a run has: `max_iter`, or those of `max_epoch`, whichever is fewer.
///
/// One epoch is as many iterations as read every record once: records / (batch · `iter_size`), for the
/// first layer of the train net that says how many records it has. The last one is completed.
struct TrainingLength {
  let iterations: Int
  /// What `max_epoch` comes to, for the log; `nil` without it.
  let note: String?

  /// - Throws: `max_epoch` for a net none of whose layers counts its records.
  init(_ solver: SolverParameter, net: Net) throws {
    guard solver.maxEpoch > 0 else {
      iterations = max(0, solver.maxIter)
      note = nil
      return
    }
    let source = try TrainingLength.source(of: net)
    let perIteration = source.coverage.batch * solver.iterSize
    let records = solver.maxEpoch * source.coverage.records
    let epochs = records / perIteration + (records % perIteration == 0 ? 0 : 1)
    iterations = solver.maxIter > 0 ? min(solver.maxIter, epochs) : epochs
    note =
      "max_epoch \(solver.maxEpoch): \(epochs) iterations of \(perIteration) of the \(source.coverage.records) records of layer '\(source.layer)'"
  }

  private static func source(of net: Net) throws -> (layer: String, coverage: Coverage) {
    for layer in net.layers {
      if let coverage = try Coverage(of: layer, top: layer.top.first?.shape) {
        return (layer.name, coverage)
      }
    }
    throw CaffeError(
      "max_epoch needs a layer that knows how many records it has (Data, HDF5Data, ImageData), and the train net has none; set max_iter"
    )
  }
}
