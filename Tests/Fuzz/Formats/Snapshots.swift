import CaffeData
import CaffeErrors
import CaffeNet
import CaffeSolver
import CaffeTestSupport

extension FileFormat {
  /// Weights and solver states in files, and data in HDF5.
  static let snapshots = [
    FileFormat(
      "solverstate", file: "x.solverstate",
      seeds: try files("Tests/Goldens/solver/resume-sgd-binaryproto_iter_8.solverstate")
    ) { _ = try TrainingState.read($0) },
    FileFormat(
      "weights-hdf5", file: "x.caffemodel.h5",
      seeds: try files("Tests/Goldens/solver/init.caffemodel.h5")
    ) { _ = try Weights(contentsOf: $0) },
    FileFormat(
      "state-hdf5", file: "x.solverstate.h5",
      seeds: try files("Tests/Goldens/solver/resume-sgd-hdf5_iter_8.solverstate.h5")
    ) { _ = try TrainingState.read($0) },
    FileFormat(
      "data-hdf5", file: "train.h5",
      seeds: try files("Tests/Goldens/solver/train.h5"),
      read: readRows),
  ]

  /// Reads some rows in order and shuffled.
  @Sendable private static func readRows(of path: String) throws {
    let list = path + ".txt"
    try Array(path.utf8).withUnsafeBytes { try Scratch.write($0, to: list) }
    for shuffle in [false, true] {
      let source = try HDF5DataSource(list: list, tops: ["data", "label"], shuffle: shuffle)
      let rows = 3
      let counts = source.rowShapes.map { rows * $0.reduce(1, *) }
      var values = [Float](repeating: 0, count: counts.reduce(0, +))
      try values.withUnsafeMutableBufferPointer { all in
        let label = all.count - counts[1]
        try source.read(
          rows,
          into: [
            UnsafeMutableBufferPointer(rebasing: all[..<label]),
            UnsafeMutableBufferPointer(rebasing: all[label...]),
          ])
      }
    }
  }
}
