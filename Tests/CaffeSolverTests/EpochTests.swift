import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Foundation
import Testing

/// `max_epoch`: as many iterations as read every record that often, the last one complete.
@Suite struct EpochTests {
  private static let layers = [
    "Data": """
    top: 'data' transform_param { scale: 0.01 } data_param { source: 'data' batch_size: 7 backend: LMDB }
    """,
    "HDF5Data": "top: 'data' hdf5_data_param { source: 'list.txt' batch_size: 7 }",
    "ImageData": "top: 'data' top: 'label' image_data_param { source: 'images.txt' batch_size: 1 }",
  ]

  private func solver(_ type: String, _ fields: String, folder: TemporaryFolder) throws -> Solver {
    try Solver(
      SolverParameter(
        text: """
          base_lr: 0.1 \(fields) net_param {
            layer { name: 'd' type: '\(type)' \(Self.layers[type] ?? "") }
            layer { name: 'ip' type: 'InnerProduct' bottom: 'data' top: 'y' loss_weight: 1 inner_product_param { num_output: 1 } }
          }
          """, file: "solver"), folder: folder.path)
  }

  /// 40 records in the database, 26 in the HDF5 files, 3 in the list of images.
  @Test(
    arguments: [
      ("Data", "max_epoch: 1", 6), ("Data", "max_epoch: 7", 40),
      ("Data", "max_epoch: 7 max_iter: 39", 39), ("Data", "max_epoch: 7 max_iter: 41", 40),
      ("Data", "max_epoch: 7 iter_size: 2", 20), ("Data", "max_iter: 3", 3), ("Data", "", 0),
      ("HDF5Data", "max_epoch: 2", 8), ("ImageData", "max_epoch: 2", 6),
    ] as [(String, String, Int)])
  func lasts(type: String, fields: String, iterations: Int) throws {
    let folder = try TemporaryFolder()
    try SmallData.writeLMDB(to: folder)
    try SmallData.writeHDF5(to: folder)
    let image = URL(filePath: #filePath).deletingLastPathComponent().path + "/../Fixtures/rgb.png"
    try folder.write("images.txt", String(repeating: "\(image) 1\n", count: 3))
    let solver = try solver(type, "lr_policy: 'fixed' \(fields)", folder: folder)
    #expect(solver.iterations == iterations)
    try solver.solve()
    #expect(solver.iteration == iterations)
  }

  /// Policies that look at the end of the run see that of the last epoch.
  @Test(arguments: ["lr_policy: 'cosine'", "lr_policy: 'poly' power: 1"])
  func schedulesEndWithTheLastEpoch(policy: String) throws {
    let folder = try TemporaryFolder()
    try SmallData.writeLMDB(to: folder)
    let solver = try solver("Data", "\(policy) max_epoch: 7", folder: folder)
    #expect([0, 20, 40].map(solver.rate(at:)) == [0.1, 0.05, 0])
  }
}
