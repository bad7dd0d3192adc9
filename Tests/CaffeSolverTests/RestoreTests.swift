import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Testing

/// Snapshots that do not belong to the solver or the net, and folders that cannot take any.
@Suite struct RestoreTests {
  private func solver(
    layer: String = "ip", outputs: Int = 3, fields: String = "", prefix: String = "run",
    folder: TemporaryFolder, resuming state: String? = nil
  ) throws -> Solver {
    try Solver(
      SolverParameter(
        text: """
          base_lr: 0.1 lr_policy: 'fixed' snapshot_prefix: '\(prefix)' \(fields) net_param {
            layer { name: 'in' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 1 dim: 2 } } }
            layer { name: '\(layer)' type: 'InnerProduct' bottom: 'x' top: 'y' loss_weight: 1 inner_product_param { num_output: \(outputs) } }
          }
          """, file: "solver"), resuming: state.map { folder($0) }, folder: folder.path)
  }

  @Test(arguments: ["BINARYPROTO", "HDF5"])
  func changedNetsAreNamed(format: String) throws {
    let folder = try TemporaryFolder()
    let first = try solver(fields: "snapshot_format: \(format)", folder: folder)
    try first.trainOnce()
    try first.snapshot()
    let ending = format == "HDF5" ? ".h5" : ""
    let (state, model) = ("run_iter_1.solverstate" + ending, "run_iter_1.caffemodel" + ending)
    #expect(
      refusal { _ = try solver(layer: "ip2", folder: folder, resuming: state) }
        == "\(folder(state)): \(folder(model)): there are no weights for layer 'ip2': the net has changed since the snapshot; to start from its weights, give them to --weights"
    )
    #expect(
      refusal { _ = try solver(outputs: 4, folder: folder, resuming: state) }
        == "\(folder(state)): history 0 has shape 3 2 (6), param 0 of layer 'ip' needs 4 2 (8)")
    #expect(
      refusal { _ = try solver(fields: "type: 'AdamW'", folder: folder, resuming: state) }
        == "\(folder(state)): the state was written by a solver of type \"SGD\", this one is of type \"AdamW\""
    )
  }

  /// A folder that permissions allow to write, and the system does not.
  @Test func foldersThatTakeNoFileAreNamed() throws {
    let folder = try TemporaryFolder()
    let refused = refusal {
      _ = try solver(fields: "snapshot: 1", prefix: "/proc/run", folder: folder)
    }
    #expect(
      refused
        == "solver: Cannot write to snapshot prefix '/proc/run'.  Make sure that the directory exists and is writable. (No such file or directory)"
    )
    _ = try solver(fields: "snapshot: 1", folder: folder)
    #expect(try folder.names(hidden: true) == [])
  }

  /// Two layers that learn, under one name, in a file of their own.
  private func namesakes(_ fields: String, folder: TemporaryFolder) throws -> Solver {
    try folder.write(
      "net.prototxt",
      """
      name: 'n'
      layer { name: 'in' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 1 dim: 2 } } }
      layer { name: 'd' type: 'InnerProduct' bottom: 'x' top: 'y' inner_product_param { num_output: 2 } }
      layer { name: 'd' type: 'InnerProduct' bottom: 'y' top: 'z' loss_weight: 1 inner_product_param { num_output: 2 } }
      """)
    return try Solver(
      SolverParameter(
        text: "net: 'net.prototxt' base_lr: 0.1 lr_policy: 'fixed' max_iter: 1 \(fields)",
        file: "solver"), folder: folder.path)
  }

  /// Otherwise the first snapshot would fail, and the iterations before it be lost.
  @Test(arguments: [
    "snapshot_prefix: 'run'", "snapshot_prefix: 'run' snapshot: 1 snapshot_after_train: false",
  ])
  func namesThatHDF5CannotTellApartAreRefusedBeforeTraining(fields: String) throws {
    let folder = try TemporaryFolder()
    let refused = refusal {
      _ = try namesakes("snapshot_format: HDF5 " + fields, folder: folder)
    }
    #expect(
      refused
        == "\(folder("net.prototxt")): net 'n': layer 'd' (InnerProduct), line 4: a layer before it has its name, and snapshots in HDF5 need names that are unique: rename one"
    )
    #expect(try folder.names(hidden: true) == ["net.prototxt"])
  }

  @Test(arguments: [
    "snapshot_format: HDF5 snapshot_after_train: false", "snapshot_prefix: 'run'",
  ])
  func namesGivenTwiceAreAllowedWithoutHDF5Snapshots(fields: String) throws {
    let folder = try TemporaryFolder()
    try namesakes(fields, folder: folder).trainOnce()
  }
}
