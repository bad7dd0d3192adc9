import CaffeData
import Foundation

/// Small made-up data sets: nothing to learn, everything to read.
public enum SmallData {
  /// MNIST's two idx files, `images.idx` and `labels.idx`: `count` grey images of `side` × `side`
  /// pixels, labels 0, 1, 2, 0, ….
  public static func writeIDX(to folder: TemporaryFolder, count: Int = 40, side: Int = 6) throws {
    var random = TestRandom(seed: 11)
    func bigEndian(_ number: Int) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
    }
    let pixels = (0..<count * side * side).map { _ in UInt8.random(in: 0...255, using: &random) }
    try folder.write("images.idx", [2051, count, side, side].flatMap(bigEndian) + pixels)
    let labels = (0..<count).map { UInt8($0 % 3) }
    try folder.write("labels.idx", [2049, count].flatMap(bigEndian) + labels)
  }

  /// An LMDB of the same, `data`.
  public static func writeLMDB(to folder: TemporaryFolder, count: Int = 40, side: Int = 6) throws {
    try writeIDX(to: folder, count: count, side: side)
    _ = try MNISTConversion.convert(
      images: folder("images.idx"), labels: folder("labels.idx"), to: folder("data"))
  }

  /// Two HDF5 files of `data` (rows of 5) and `label` (0, 1 or 2) and their list, `list.txt`.
  public static func writeHDF5(to folder: TemporaryFolder, rows: Int = 13) throws {
    var random = TestRandom(seed: 12)
    for name in ["a.h5", "b.h5"] {
      let file = try HDF5File(creating: folder(name))
      try file.write("data", random.values(rows * 5), shape: [rows, 5])
      try file.write("label", (0..<rows).map { Float($0 % 3) }, shape: [rows])
      try file.close()
    }
    try folder.write("list.txt", "a.h5\nb.h5\n")
  }
}
