import CaffeData
import CaffeErrors
import Foundation
import Testing

@Suite struct LevelDBTests {
  let folder: TemporaryFolder
  let path: String

  /// Works on a copy of what BVLC Caffe 1.0 wrote.
  init() throws {
    folder = try TemporaryFolder()
    path = folder("db")
    try FileManager.default.copyItem(atPath: golden("data/db-leveldb"), toPath: path)
  }

  func records(_ database: some RecordDatabase) throws -> [String: [UInt8]] {
    let cursor = try database.makeCursor()
    var records: [String: [UInt8]] = [:]
    while let record = try cursor.next({ ($0.name, Array($0.value)) }) {
      records[record.0] = record.1
    }
    return records
  }

  /// What is in the folder and when it was last changed.
  func state(of path: String) throws -> [String: Date] {
    let files = FileManager.default
    return try Dictionary(
      uniqueKeysWithValues: (files.contentsOfDirectory(atPath: path) + ["."]).map { name in
        let date = try files.attributesOfItem(atPath: path + "/" + name)[.modificationDate] as? Date
        return (name, try #require(date))
      })
  }

  /// The same tool wrote the same images to both.
  @Test func holdsWhatTheLMDBOfTheSameImagesHolds() throws {
    let database = try LevelDBDatabase(path)
    let lmdb = try LMDBDatabase(golden("data/db-lmdb"))
    #expect(try database.count == lmdb.count)
    #expect(try records(database) == records(lmdb))
  }

  @Test func seeksToAnyRecordInTheOrderOfKeys() throws {
    let database = try LevelDBDatabase(path)
    let names = try records(database).keys.sorted()
    #expect(names.count > 5)
    let cursor = try database.makeCursor()
    for index in [names.count - 1, 0, 3, 4, 0] {
      try cursor.seek(to: index)
      #expect(try cursor.next(\.name) == names[index])
    }
    try cursor.seek(to: names.count - 1)
    _ = try cursor.next(\.name)
    for _ in 0..<2 { #expect(try cursor.next(\.name) == nil) }
    expectError("\(path): there is no record 1000") { try cursor.seek(to: 1000) }
  }

  /// Records in the log alone; keys a, c, b.
  @Test func readsWhatIsOnlyInTheLog() throws {
    let database = try LevelDBDatabase(fixture("leveldb-log"))
    #expect(try database.count == 3)
    #expect(
      try records(database).mapValues { String(decoding: $0, as: UTF8.self) }
        == ["a": "first", "b": "second", "c": "third"])
  }

  @Test func leavesTheFolderAsItWas() throws {
    for path in [path, fixture("leveldb-log")] {
      let before = try state(of: path)
      #expect(try !records(LevelDBDatabase(path)).isEmpty)
      #expect(try state(of: path) == before)
    }
  }

  /// Not only with the process, which removes what it has left.
  @Test func theViewGoesWithTheDatabase() throws {
    let files = FileManager.default
    let temporary = files.temporaryDirectory.path
    /// Those with links to the tables of this test's copy.
    func views() throws -> [String] {
      try files.contentsOfDirectory(atPath: temporary).filter { name in
        guard name.hasPrefix(".caffe-swift-leveldb.") else { return false }
        let view = "\(temporary)/\(name)"
        // Another test's may go at this moment.
        let links = (try? files.contentsOfDirectory(atPath: view)) ?? []
        return links.contains { link in
          let target = try? files.destinationOfSymbolicLink(atPath: "\(view)/\(link)")
          return target?.hasPrefix(path + "/") ?? false
        }
      }
    }
    var database: LevelDBDatabase? = try LevelDBDatabase(path)
    #expect(try views().count == 1)
    withExtendedLifetime(database) {}
    database = nil
    #expect(try views() == [])
  }

  @Test func mayBeOpenManyTimesAndOutlivedByCursors() throws {
    var databases = try (0..<3).map { _ in try LevelDBDatabase(path) }
    let cursors = try databases.map { try $0.makeCursor() }
    databases.removeAll()
    for cursor in cursors { #expect(try cursor.next(\.name) == "00000000_images/00.jpg") }
  }

  @Test func theFolderNeedNotBeWritable() throws {
    let files = FileManager.default
    try files.setAttributes([.posixPermissions: 0o555], ofItemAtPath: path)
    defer { try? files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path) }
    #expect(try LevelDBDatabase(path).count > 5)
  }

  // MARK: Kinds

  @Test(arguments: [
    (DatabaseKind.lmdb, "data/db-leveldb", "LEVELDB, not LMDB"),
    (.levelDB, "data/db-lmdb", "LMDB, not LEVELDB"),
  ])
  func aDatabaseIsReadAsWhatItIs(kind: DatabaseKind, name: String, words: String) throws {
    let remarks = Remarks()
    let database = try kind.open(golden(name), report: remarks.add)
    #expect(try database.count > 5)
    #expect(
      remarks.all == ["\(golden(name)) is a database of backend \(words); it is read so"])
  }

  @Test func theDataLayerReadsBothWithoutARemarkWhereNoneIsDue() throws {
    for (source, backend) in [("db-leveldb", ""), ("db-lmdb", "backend: LMDB")] {
      let remarks = Remarks()
      let layer = try TestLayer(
        DataLayer.kind, "data_param { source: \"\(source)\" batch_size: 4 \(backend) }",
        folder: golden("data"), report: remarks.add)
      let expected = try layer.batches(7)
      for pass in [6, 1, 3] {
        try layer.layer.seek(toPass: UInt64(pass))
        #expect(try layer.forward() == expected[pass])
      }
      #expect(remarks.all.isEmpty)
    }
  }

  // MARK: Refusals

  @Test func tellsWhatIsNotADatabase() throws {
    expectError("\(folder("absent")): No such file or directory") {
      _ = try LevelDBDatabase(folder("absent"))
    }
    for name in ["data/images", "data/list.txt"] {
      expectError("this is not a LevelDB database: a folder with CURRENT") {
        _ = try LevelDBDatabase(golden(name))
      }
    }
    expectError("this is not an LMDB database: a folder with data.mdb") {
      _ = try DatabaseKind.lmdb.open(golden("data/images"))
    }
  }

  @Test func tellsWhatIsDamaged() throws {
    let table = path + "/000005.ldb"
    let whole = try bytes(of: table)
    var damaged = whole
    damaged[100] ^= 0xFF
    try Data(damaged).write(to: URL(fileURLWithPath: table))
    expectError("\(path): cannot read the next record: Corruption: block checksum mismatch") {
      _ = try records(LevelDBDatabase(path))
    }
    try Data(whole[..<5000]).write(to: URL(fileURLWithPath: table))
    expectError("\(path): cannot read the next record: IO error: 000005.ldb: Invalid argument") {
      _ = try LevelDBDatabase(path)
    }
    try FileManager.default.removeItem(atPath: table)
    expectError(
      "\(path): cannot open this LevelDB database: Corruption: 1 missing files; e.g.: 000005.ldb"
    ) {
      _ = try LevelDBDatabase(path)
    }
    try Data("rubbish".utf8).write(to: URL(fileURLWithPath: path + "/CURRENT"))
    expectError("\(path): cannot open this LevelDB database: Corruption: CURRENT file does not") {
      _ = try LevelDBDatabase(path)
    }
  }

  @Test func tellsWhatIsEmpty() throws {
    let empty = folder("empty")
    try FileManager.default.copyItem(atPath: fixture("leveldb-log"), toPath: empty)
    try Data().write(to: URL(fileURLWithPath: empty + "/000003.log"))
    expectError("\(empty): this LevelDB database is empty") { _ = try LevelDBDatabase(empty) }
  }
}
