import CHDF5
import CaffeTestSupport
import Foundation
import Testing

/// Training on an HDF5 file of 200 MB in a fraction of that memory.
@Suite struct LargeHDF5Tests {
  enum Storage: CaseIterable {
    case contiguous
    case chunks
    case compressedChunks
  }

  static let rows = 10_000
  static let columns = 5_000

  /// Writes `data` and `label`, a hundred rows at a time; all values of row `r` are `r`.
  func write(_ path: String, rows: Int, _ storage: Storage) throws {
    let float = h5_native_float()
    let file = try #require(identifier(h5_create_truncating(path, h5_default())))
    defer { H5Fclose(file) }
    for (name, extents) in [("data", [rows, Self.columns]), ("label", [rows, 1])] {
      let creation = H5Pcreate(h5_dataset_creation())
      defer { H5Pclose(creation) }
      let row = UInt64(extents[1])
      if storage != .contiguous { H5Pset_chunk(creation, 2, [20, row]) }
      if storage == .compressedChunks { H5Pset_deflate(creation, 1) }
      let space = H5Screate_simple(2, [UInt64(rows), row], nil)
      defer { H5Sclose(space) }
      let dataset = try #require(
        identifier(
          H5Dcreate2(file, name, float, space, h5_default(), creation, h5_default())))
      defer { H5Dclose(dataset) }
      for first in stride(from: 0, to: rows, by: 100) {
        let values = (first..<first + 100).flatMap {
          Array(repeating: Float($0), count: Int(row))
        }
        H5Sselect_hyperslab(space, H5S_SELECT_SET, [UInt64(first), 0], nil, [100, row], nil)
        let memory = H5Screate_simple(2, [100, row], nil)
        defer { H5Sclose(memory) }
        #expect(H5Dwrite(dataset, float, memory, space, h5_default(), values) >= 0)
      }
    }
  }

  func identifier(_ id: hid_t) -> hid_t? { id >= 0 ? id : nil }

  /// The most memory a run takes, in MiB.
  func peak(_ folder: TemporaryFolder, list: String, shuffle: Bool) throws -> Double {
    try folder.write(
      "net.prototxt",
      """
      layer { name: "d" type: "HDF5Data" top: "data" top: "label" hdf5_data_param { source: "\(list)" batch_size: 10 shuffle: \(shuffle) } }
      layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 1 } }
      layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "label" top: "loss" }
      """)
    try folder.write("solver.prototxt", "net: \"net.prototxt\" base_lr: 0 lr_policy: \"fixed\"")
    // In order the whole file is read; shuffled, a part of it from everywhere.
    let iterations = shuffle ? 100 : Self.rows / 10
    let outcome = try Run(
      ["time", "--solver", "solver.prototxt", "--iterations", "\(iterations)", "--json", "-"],
      in: folder
    ).outcome()
    #expect(outcome.status == 0, "\(outcome)")
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    return try #require((object as? [String: Any])?["peak_mb"] as? Double)
  }

  @Test(arguments: Storage.allCases)
  func memoryDoesNotGrowWithTheFile(storage: Storage) throws {
    let folder = try TemporaryFolder()
    try write(folder("small.h5"), rows: 100, storage)
    try write(folder("large.h5"), rows: Self.rows, storage)
    try folder.write("small.txt", "small.h5\n")
    try folder.write("large.txt", "large.h5\n")
    for shuffle in [false, true] {
      let least = try peak(folder, list: "small.txt", shuffle: shuffle)
      let most = try peak(folder, list: "large.txt", shuffle: shuffle)
      if let name = Sanitizer.name {
        print("skipped: peak memory of \(storage), the \(name) sanitizer keeps what is freed")
        continue
      }
      #expect(most - least < 60, "shuffle: \(shuffle): \(most) MiB, \(least) for a small file")
    }
  }
}
