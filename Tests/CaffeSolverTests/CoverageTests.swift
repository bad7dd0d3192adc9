import CaffeErrors
import CaffeSchema
import CaffeSolver
import CaffeTestSupport
import Foundation
import Testing

/// Tests without `test_iter`: every record once, whatever the batch size.
@Suite struct CoverageTests {
  private static let sources = [
    "Data": "transform_param { scale: 0.01 } data_param { source: 'data' backend: LMDB",
    "HDF5Data": "hdf5_data_param { source: 'list.txt'",
    "ImageData": "top: 'label' image_data_param { source: 'images.txt'",
  ]

  private func net(_ type: String, batch: Int, output: String = "mean") -> String {
    """
    layer { name: 'd' type: '\(type)' top: 'data' \(Self.sources[type] ?? "") batch_size: \(batch) }
      include { phase: TEST } }
    \(type == "ImageData" ? "layer { name: 's' type: 'Silence' bottom: 'label' }" : "")
    layer { name: 'flat' type: 'Flatten' bottom: 'data' top: 'flat' }
    layer { name: 'rows' type: 'Reduction' bottom: 'flat' top: 'rows'
      reduction_param { axis: 1 operation: MEAN } }
    \(output == "mean" ? """
      layer { name: 'mean' type: 'Reduction' bottom: 'rows' top: 'mean' loss_weight: 1
        reduction_param { operation: MEAN } }
      """ : "")
    """
  }

  private func solver(_ fields: String, test: String, folder: TemporaryFolder) throws -> Solver {
    try Solver(
      SolverParameter(
        text: """
          base_lr: 0.1 lr_policy: 'fixed' test_initialization: false \(fields)
          train_net_param { layer { name: 'x' type: 'DummyData' top: 'x'
            dummy_data_param { shape { dim: 1 } } } }
          test_net_param { \(test) }
          """, file: "solver"), reusingMemory: true, folder: folder.path)
  }

  private func data() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try SmallData.writeLMDB(to: folder)
    try SmallData.writeHDF5(to: folder)
    let image = PackageFolder.path("Tests/Fixtures/rgb.png")
    try folder.write("images.txt", String(repeating: "\(image) 1\n", count: 3))
    return folder
  }

  /// 40, 26 and 3 records: batches that divide their number, that do not, and that are larger.
  @Test(arguments: [("Data", 40), ("HDF5Data", 26), ("ImageData", 3)], [1, 7, 13, 64])
  func everyRecordCountsOnce(source: (type: String, records: Int), batch: Int) throws {
    let folder = try data()
    let singly = try solver(
      "test_interval: 1 test_iter: \(source.records)", test: net(source.type, batch: 1),
      folder: folder)
    let expected = try #require(try singly.test(0))
    let whole = try solver(
      "test_interval: 1", test: net(source.type, batch: batch), folder: folder)
    // A test begins with the first record, wherever the one before has ended.
    for _ in 0..<2 {
      let score = try #require(try whole.test(0))
      #expect(abs(score.loss - expected.loss) <= 1e-5 * abs(expected.loss))
      #expect(score.means.count == 1 && score.means[0] == score.loss)
    }
    #expect(expected.loss != 0)
  }

  @Test func refusesWhatHasNoMean() throws {
    let folder = try data()
    let uneven = try solver(
      "test_interval: 1", test: net("Data", batch: 7, output: "rows"), folder: folder)
    expectError("output 'rows' has values for each item") { _ = try uneven.test(0) }
    expectError("test net (#0): test_iter is not set, and no layer counts its records") {
      _ = try solver(
        "test_interval: 1",
        test:
          "layer { name: 'x' type: 'DummyData' top: 'x' dummy_data_param { shape { dim: 1 } } }",
        folder: folder)
    }
    expectError("test_iter must be specified for each test network") {
      _ = try solver("", test: net("Data", batch: 7), folder: folder)
    }
  }

  private func expectError(_ words: String, _ body: () throws -> Void) {
    let error = #expect(throws: CaffeError.self) { try body() }
    #expect(error.map { "\($0)".contains(words) } == true, "\(String(describing: error))")
  }
}
