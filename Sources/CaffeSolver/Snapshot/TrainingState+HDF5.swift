import CaffeData
import CaffeErrors
import CaffeNet
import CaffeSchema

extension TrainingState {
  private static let group = "caffe_swift"

  static func readHDF5(_ path: String) throws -> TrainingState {
    let file = try HDF5File.open(path)
    guard try file.exists("history"), try file.exists("iter") else {
      throw CaffeError(
        try file.exists("data")
          ? "\(path) holds weights, not a solver state; give it to --weights, or the .solverstate.h5 beside it to --snapshot"
          : "\(path) has no 'iter' and 'history', so it is no solverstate.h5")
    }
    let count = try file.children(of: "history").count
    return TrainingState(
      iteration: Int(try file.readNumber("iter")),
      learnedNet: try file.exists("learned_net") ? file.readString("learned_net") : "",
      currentStep: try file.exists("current_step") ? Int(file.readNumber("current_step")) : 0,
      history: try (0..<count).map { try Weights.blob(file, "history/\($0)") },
      extras: try file.exists(group) ? extras(file) : nil)
  }

  private static func extras(_ file: any HDF5Reading) throws -> Extras {
    let carried = try carried(file)
    let passes = try file.read("\(group)/pass", as: Int64.self).values
    return Extras(
      seed: UInt64(bitPattern: try file.readNumber("\(group)/random_seed")),
      nets: passes.enumerated().map { number, pass in
        NetProgress(
          pass: UInt64(bitPattern: pass),
          carried: carried.filter { $0.net == number }.map(\.state))
      },
      lossWindow: try file.exists("\(group)/loss_window")
        ? file.read("\(group)/loss_window", as: Float.self).values : [],
      solverType: try file.readString("\(group)/solver_type"),
      run: try RunState(file, group: "\(group)/run"))
  }

  /// Groups `0`, `1`, … with `net`, `layer`, and the blobs as `blob/0`, `blob/1`, ….
  private static func carried(
    _ file: any HDF5Reading
  ) throws -> [(net: Int, state: NetProgress.Carried)] {
    let all = "\(group)/carried_state"
    guard try file.exists(all) else { return [] }
    return try (0..<file.children(of: all).count).map { index in
      let place = "\(all)/\(index)"
      let blobs = try (0..<file.children(of: "\(place)/blob").count).map {
        try Weights.blob(file, "\(place)/blob/\($0)")
      }
      return (
        Int(try file.readNumber("\(place)/net")),
        NetProgress.Carried(layer: try file.readString("\(place)/layer"), blobs: blobs)
      )
    }
  }

  func prepareHDF5(_ path: String) throws -> PreparedFile {
    try AtomicFile.prepare(path) { temporary in
      let file = try HDF5File(creating: temporary)
      try file.write("iter", Int32(clamping: iteration))
      try file.writeString("learned_net", learnedNet)
      try file.write("current_step", Int32(clamping: currentStep))
      try file.createGroup("history")
      for (index, blob) in history.enumerated() {
        try file.write("history/\(index)", blob.values, shape: blob.extents)
      }
      if let extras { try TrainingState.write(extras, to: file) }
      try file.close()
    }
  }

  private static func write(_ extras: Extras, to file: HDF5File) throws {
    try file.write("\(group)/random_seed", Int64(bitPattern: extras.seed))
    let passes = extras.nets.map { Int64(bitPattern: $0.pass) }
    try file.write("\(group)/pass", passes, shape: [passes.count])
    if !extras.lossWindow.isEmpty {
      try file.write("\(group)/loss_window", extras.lossWindow, shape: [extras.lossWindow.count])
    }
    try file.writeString("\(group)/solver_type", extras.solverType)
    try extras.run.write(to: file, group: "\(group)/run")
    for (index, carried) in extras.carried.enumerated() {
      let place = "\(group)/carried_state/\(index)"
      try file.write("\(place)/net", Int64(carried.net))
      try file.writeString("\(place)/layer", carried.state.layer)
      for (number, blob) in carried.state.blobs.enumerated() {
        try file.write("\(place)/blob/\(number)", blob.values, shape: blob.extents)
      }
    }
  }
}

extension HDF5Reading {
  /// The number of a dataset that holds one.
  fileprivate func readNumber(_ name: String) throws -> Int64 {
    let values = try read(name, as: Int64.self).values
    guard values.count == 1 else {
      throw CaffeError("\(path): '\(name)' holds \(values.count) values instead of one")
    }
    return values[0]
  }
}
