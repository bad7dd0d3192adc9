import CaffeData
import CaffeErrors
import CaffeSchema

/// A run's state in a `.solverstate.h5`: one dataset for each field that is set, in a group of its own.
extension RunState {
  /// Reads the group; a state without it is that of a run which has seen nothing.
  init(_ file: any HDF5Reading, group: String) throws {
    self.init()
    func integer(_ field: String) throws -> Int? {
      try RunState.first(of: field, as: Int64.self, in: file, group).map { Int($0) }
    }
    func float(_ field: String) throws -> Float? {
      try RunState.first(of: field, as: Float.self, in: file, group)
    }
    if let value = try integer("plateau_step") { plateauStep = value }
    if let value = try float("plateau_loss") { plateauLoss = value }
    if let value = try integer("plateau_iter") { plateauIter = value }
    if let value = try float("best_score") { bestScore = value }
    if let value = try integer("best_iter") { bestIter = value }
    if let value = try integer("tests_since_best") { testsSinceBest = value }
    if try file.exists("\(group)/snapshot") {
      snapshot = try file.read("\(group)/snapshot", as: Int64.self).values.map { Int($0) }
    }
  }

  private static func first<Number: HDF5Number>(
    of field: String, as type: Number.Type, in file: any HDF5Reading, _ group: String
  ) throws -> Number? {
    guard try file.exists(group), try file.exists("\(group)/\(field)") else { return nil }
    let values = try file.read("\(group)/\(field)", as: type).values
    guard values.count == 1 else {
      throw CaffeError(
        "\(file.path): '\(group)/\(field)' holds \(values.count) values instead of one")
    }
    return values[0]
  }

  func write(to file: HDF5File, group: String) throws {
    if hasPlateauStep { try file.write("\(group)/plateau_step", Int64(plateauStep)) }
    if hasPlateauLoss { try file.write("\(group)/plateau_loss", plateauLoss) }
    if hasPlateauIter { try file.write("\(group)/plateau_iter", Int64(plateauIter)) }
    if hasBestScore { try file.write("\(group)/best_score", bestScore) }
    if hasBestIter { try file.write("\(group)/best_iter", Int64(bestIter)) }
    if hasTestsSinceBest { try file.write("\(group)/tests_since_best", Int64(testsSinceBest)) }
    if !snapshot.isEmpty {
      try file.write("\(group)/snapshot", snapshot.map { Int64($0) }, shape: [snapshot.count])
    }
  }
}
