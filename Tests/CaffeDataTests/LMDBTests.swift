import CaffeData
import CaffeErrors
import Foundation
import Testing

@Suite struct LMDBTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// A record of `size` bytes that tells its number.
  func value(_ index: Int, size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ index &* 13) }
  }

  func records(_ database: some RecordDatabase) throws -> [(key: String, value: [UInt8])] {
    let cursor = try database.makeCursor()
    var records: [(key: String, value: [UInt8])] = []
    while let record = try cursor.next({ ($0.name, Array($0.value)) }) { records.append(record) }
    return records
  }

  func write(_ name: String, count: Int, size: Int = 5, mapSize: Int = 1 << 16) throws -> String {
    try LMDBWriter.create(folder(name), mapSize: mapSize) { writer in
      for index in 0..<count {
        try writer.put(key: String(format: "%08d", index), value: value(index, size: size))
      }
      #expect(writer.count == count)
    }
    return folder(name)
  }

  /// The map starts too small by far: it must double more than once within a transaction and
  /// across several, and no record may be lost or doubled by writing again.
  @Test(arguments: [1, 999, 1000, 1001, 2500])
  func readsBackWhatItWrote(count: Int) throws {
    let database = try LMDBDatabase(write("db", count: count, size: 700))
    #expect(database.count == count)
    let records = try records(database)
    #expect(records.count == count)
    for (index, record) in records.enumerated() {
      #expect(record.key == String(format: "%08d", index))
      #expect(record.value == value(index, size: 700))
    }
  }

  @Test func seeksToAnyRecord() throws {
    let database = try LMDBDatabase(write("db", count: 300))
    let cursor = try database.makeCursor()
    for index in [299, 0, 7, 8, 150, 0] {
      try cursor.seek(to: index)
      #expect(try cursor.next(\.name) == String(format: "%08d", index))
    }
    try cursor.seek(to: 299)
    _ = try cursor.next(\.name)
    #expect(try cursor.next(\.name) == nil)
    try cursor.seek(to: 0)
    #expect(try cursor.next(\.name) == "00000000")
  }

  /// LMDB itself forbids this; two Data layers of one net (or a train and a test net) do it.
  @Test func oneDatabaseMayBeOpenManyTimes() throws {
    let path = try write("db", count: 20)
    try FileManager.default.createSymbolicLink(
      atPath: folder("other"), withDestinationPath: path)
    var databases = try [path, path + "/", folder("other")].map { try LMDBDatabase($0) }
    let cursors = try databases.map { try $0.makeCursor() }
    for cursor in cursors { #expect(try cursor.next(\.name) == "00000000") }
    databases.removeLast(2)
    for cursor in cursors { #expect(try cursor.next(\.name) == "00000001") }
    databases.removeAll()
    #expect(try cursors[0].next(\.name) == "00000002")
    #expect(try LMDBDatabase(path).count == 20)
  }

  @Test func manyThreadsMayReadAtOnce() throws {
    let database = try LMDBDatabase(write("db", count: 500))
    let failures = LockedCounter()
    DispatchQueue.concurrentPerform(iterations: 16) { index in
      let found = try? (records(database), LMDBDatabase(database.path).count)
      if found?.0.count != 500 || found?.1 != 500 { failures.increment() }
    }
    #expect(failures.value == 0)
  }

  @Test func readsAFolderWhereNoLockFileCanBeMade() throws {
    let path = try write("db", count: 3)
    try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: path)
    #expect(try records(LMDBDatabase(path)).count == 3)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  @Test func readsTheDatabasesOfCaffe() throws {
    let database = try LMDBDatabase(golden("data/db-lmdb"))
    let names = try records(database).map(\.key)
    #expect(names.count == database.count)
    #expect(names == names.sorted())
    #expect(names[0] == "00000000_images/00.jpg")
  }

  // MARK: Refusals

  @Test func tellsWhatIsNotADatabase() throws {
    expectError("\(folder("absent")): No such file or directory") {
      _ = try LMDBDatabase(folder("absent"))
    }
    expectError("this is not an LMDB database: a folder with data.mdb") {
      _ = try LMDBDatabase(golden("data/db-leveldb"))
    }
    expectError("this is not an LMDB database: a folder with data.mdb") {
      _ = try LMDBDatabase(golden("data/list.txt"))
    }
    try LMDBWriter.create(folder("empty")) { _ in }
    expectError("\(folder("empty")): this LMDB database is empty") {
      _ = try LMDBDatabase(folder("empty"))
    }
  }

  @Test(arguments: [0, 100, 5000, 20000])
  func tellsWhatIsTruncated(length: Int) throws {
    let whole = try bytes(of: write("db", count: 2000) + "/data.mdb")
    #expect(whole.count > 20000)
    try FileManager.default.createDirectory(
      atPath: folder("cut"), withIntermediateDirectories: false)
    _ = try folder.write("cut/data.mdb", whole[..<length])
    expectError(length < 4096 ? "cannot open this LMDB database" : "data.mdb is truncated") {
      _ = try LMDBDatabase(folder("cut"))
    }
  }

  /// A count in the header that nothing stands behind.
  @Test func tellsWhatCountIsForged() throws {
    let path = try write("db", count: 3579)
    _ = try folder.write(
      "db/data.mdb", replacing(3579, by: 3580, in: try bytes(of: path + "/data.mdb")))
    let database = try LMDBDatabase(path)
    #expect(try records(database).count == 3579)
    expectError("\(path): the header promises 3580 records, but there are 3579") {
      _ = try database.makeRandomCursor()
    }
  }

  /// Of the last page, in the place of which is the largest number.
  @Test func tellsWhatLastPageIsForged() throws {
    let path = try write("db", count: 2000)
    var pages = try bytes(of: path + "/data.mdb")
    // Bytes 136 to 143 of both headers come after those of the page, the map and two tables.
    for header in [0, 4096] {
      pages.replaceSubrange(header + 136..<header + 144, with: [UInt8](repeating: 0xFF, count: 8))
      pages[header + 143] = 0x7F
    }
    _ = try folder.write("db/data.mdb", pages)
    expectError("data.mdb is truncated") { _ = try LMDBDatabase(path) }
  }

  @Test func tellsWhatIsForeign() throws {
    try FileManager.default.createDirectory(
      atPath: folder("foreign"), withIntermediateDirectories: false)
    _ = try folder.write("foreign/data.mdb", value(1, size: 40000))
    expectError("File is not an LMDB file") { _ = try LMDBDatabase(folder("foreign")) }
  }

  @Test func neverWritesIntoWhatIsThere() throws {
    let path = try write("db", count: 1)
    expectError("\(path): this exists already; choose another name or remove it") {
      try LMDBWriter.create(path) { _ in Issue.record("began to write") }
    }
  }

  @Test func leavesNothingAfterAFailure() throws {
    expectError("\(folder("db")): out of ideas") {
      try LMDBWriter.create(folder("db")) { writer in
        try writer.put(key: "a", value: [1])
        throw CaffeError("out of ideas")
      }
    }
    expectError("\(folder("no/db")): No such file or directory") {
      try LMDBWriter.create(folder("no/db")) { _ in }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  @Test(arguments: ["", String(repeating: "k", count: 512)])
  func refusesKeysLMDBCannotHold(key: String) throws {
    expectError("an LMDB key has 1 to 511 bytes") {
      try LMDBWriter.create(folder("db")) { try $0.put(key: key, value: [1]) }
    }
  }

  @Test func refusesAKeyTwice() throws {
    expectError("two records have the key 'a'") {
      try LMDBWriter.create(folder("db")) { writer in
        try writer.put(key: "a", value: [1])
        try writer.put(key: "a", value: [2])
      }
    }
  }
}
