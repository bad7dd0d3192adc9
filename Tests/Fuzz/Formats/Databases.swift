import CaffeData
import CaffeErrors
import CaffeTestSupport
import Foundation

extension FileFormat {
  /// Databases; what is damaged is one of their files.
  static let databases = [
    levelDB("leveldb-table", "Tests/Goldens/data/db-leveldb", "000005.ldb"),
    levelDB("leveldb-log", "Tests/Fixtures/leveldb-log", "000003.log"),
    levelDB("leveldb-manifest", "Tests/Goldens/data/db-leveldb", "MANIFEST-000004"),
    FileFormat(
      "lmdb", seeds: try files("Tests/Goldens/data/db-lmdb-gray/data.mdb")
    ) { bytes in
      try Scratch.withFile(bytes, named: "data.mdb") {
        try readAll(LMDBDatabase.open(($0 as NSString).deletingLastPathComponent))
      }
    },
  ]

  private static func levelDB(_ name: String, _ folder: String, _ file: String) -> FileFormat {
    FileFormat(name, seeds: try files("\(folder)/\(file)")) { bytes in
      try Scratch.withFolder { copy in
        let original = PackageFolder.path(folder)
        for other in try FileManager.default.contentsOfDirectory(atPath: original)
        where other != file {
          try content("\(original)/\(other)").withUnsafeBytes {
            try Scratch.write($0, to: "\(copy)/\(other)")
          }
        }
        try Scratch.write(bytes, to: "\(copy)/\(file)")
        try readAll(LevelDBDatabase.open(copy))
      }
    }
  }

  /// Every record in order, then one of them from the index of keys.
  private static func readAll(_ database: any RecordDatabase) throws {
    let cursor = try database.makeCursor()
    var size = 0
    while try cursor.next({ size &+= $0.value.reduce($0.key.count) { $0 &+ Int($1) } }) != nil {}
    let random = try database.makeRandomCursor()
    try random.seek(to: database.count - 1)
    _ = try random.next { size &+= $0.value.count }
  }
}

extension FileFormat {
  /// Files of records of one size.
  static let records = [
    idx("idx-images", "t-images-idx3-ubyte", beside: "t-labels-idx1-ubyte"),
    idx("idx-labels", "t-labels-idx1-ubyte", beside: "t-images-idx3-ubyte"),
    FileFormat("cifar", file: "data_batch_1.bin", seeds: [cifar]) {
      let cursor = try CIFARDatabase($0).makeCursor()
      while try cursor.next({ _ in }) != nil {}
    },
  ]

  /// One file of two; the other is sound.
  private static func idx(_ name: String, _ file: String, beside other: String) -> FileFormat {
    FileFormat(
      name,
      seeds: [idxFile(file), try compressed(idxFile(file))]
    ) { bytes in
      try Scratch.withFolder { folder in
        try Scratch.write(bytes, to: "\(folder)/\(file)")
        try idxFile(other).withUnsafeBytes { try Scratch.write($0, to: "\(folder)/\(other)") }
        let cursor = try IDXDatabase("\(folder)/t-images-idx3-ubyte").makeCursor()
        while try cursor.next({ _ in }) != nil {}
      }
    }
  }

  /// Four images of 3 × 2, or their labels.
  private static func idxFile(_ name: String) -> [UInt8] {
    name.contains("images")
      ? [0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2] + (0..<24).map { UInt8($0) }
      : [0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 2, 3]
  }

  /// A gzip file of one stored block.
  private static func compressed(_ bytes: [UInt8]) throws -> [UInt8] {
    func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
    var crc = ~UInt32(0)
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    let count = UInt16(bytes.count)
    let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1]
    let sizes = littleEndian(count) + littleEndian(~count)
    return header + sizes + bytes + littleEndian(~crc) + littleEndian(UInt32(count))
  }

  /// Two records.
  private static let cifar = [0, 1].flatMap { label in
    [UInt8(label)] + [UInt8](repeating: 77, count: 3072)
  }
}
