import CaffeErrors
import CaffeSchema

/// Makes databases of CIFAR-10's binary files, as Caffe's tool `convert_cifar_data` does.
///
/// Source: BVLC Caffe, `convert_cifar_data.cpp`.
package enum CIFARConversion {
  /// A part of the data set: its files in the binary version, and the database they become.
  package struct Part: Sendable {
    let name: String
    let files: [String]

    /// The part, from the folder of the binary version.
    package func read(_ folder: String) throws -> CIFARDatabase {
      try CIFARDatabase(folder, files: files.map { "\(folder)/\($0)" })
    }

    /// The name of its database: `cifar10_train_lmdb`.
    package func database(_ backend: WritableDatabase) -> String {
      "cifar10_\(name)_\(backend.rawValue)"
    }
  }

  package static let parts = [
    Part(name: "train", files: (1...5).map { "data_batch_\($0).bin" }),
    Part(name: "test", files: ["test_batch.bin"]),
  ]

  /// Copies the records of a database to a new one, `path`, in full or not at all.
  ///
  /// - Parameter progress: called with the number of records done, after each.
  /// - Returns: the number of records.
  package static func convert(
    _ database: any RecordDatabase, to path: String, as backend: WritableDatabase,
    progress: (Int) -> Void = { _ in }
  ) throws -> Int {
    let cursor = try database.makeCursor()
    var count = 0
    try backend.create(path) { writer in
      while try cursor.next({ try writer.put(key: $0.name, value: Array($0.value)) }) != nil {
        count += 1
        progress(count)
      }
    }
    return count
  }
}
