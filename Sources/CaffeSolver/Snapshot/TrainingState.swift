import CaffeData
import CaffeErrors
import CaffeNet
import CaffeSchema

/// What a `.solverstate` or `.solverstate.h5` holds: where a run stood, and the solver's memory.
///
/// The first part is Caffe's, byte-compatible both ways; `extras` is what an exact resume needs besides
/// and Caffe skips: high-numbered fields in protobuf, the group `/caffe_swift` in HDF5.
package struct TrainingState {
  var iteration: Int
  /// Path of the weights, as it was when they were written.
  var learnedNet: String
  /// How many stepvalues a multistep policy had reached.
  var currentStep: Int
  /// One blob for each parameter and buffer of history: all of the first buffer, then of the next.
  var history: [BlobProto]
  var extras: Extras?

  struct Extras {
    var seed: UInt64
    /// Where the train net stood, then each test net.
    var nets: [NetProgress]
    var lossWindow: [Float]
    var solverType: String
    /// What the run has seen of its losses and scores.
    var run = RunState()

    /// The states of all layers, each with the number of its net.
    var carried: [(net: Int, state: NetProgress.Carried)] {
      nets.enumerated().flatMap { number, net in net.carried.map { (number, $0) } }
    }
  }

  /// Reads a file in either format, told apart by its content.
  ///
  /// - Throws: a missing, truncated or foreign file, naming it and what it is instead.
  package static func read(_ path: String) throws -> TrainingState {
    let state = try HDF5File.isHDF5(path) ? readHDF5(path) : readBinary(path)
    guard state.iteration >= 0 else {
      throw CaffeError("\(path): the iteration of a solver state cannot be \(state.iteration)")
    }
    return state
  }

  /// Writes HDF5 if `path` ends in `.h5`, binary protobuf otherwise; the file waits for its name.
  func prepare(_ path: String) throws -> PreparedFile {
    path.hasSuffix(".h5") ? try prepareHDF5(path) : try prepareBinary(path)
  }
}
