import CaffeData
import CaffeErrors
import CaffeTestSupport
import Foundation
import Testing

/// Files read in a process of their own: the same answers and refusals as in this one, and a sentence for
/// what breaks that process.
@Suite struct IsolationTests {
  let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    BuiltProgram.readsFiles()
  }

  /// All that can be asked about what a file holds below `group`, in text.
  func report(_ file: any HDF5Reading, _ names: [String], depth: Int = 0) -> [String] {
    names.flatMap { name in
      func told<Result>(_ body: () throws -> Result) -> String {
        do { return "\(name): \(try body())" } catch { return "\(error)" }
      }
      let children = (try? file.children(of: name)) ?? []
      let inner = depth < 3 ? children.prefix(20).map { "\(name)/\($0)" } : []
      return [
        told { try file.exists(name) }, told { try file.isGroup(name) },
        told { try file.children(of: name) }, told { try file.readString(name) },
        told { try file.dataset(name).shape }, told { try file.read(name, as: Float.self) },
        told { try file.read(name, as: Double.self) }, told { try file.read(name, as: Int32.self) },
        told { try file.read(name, as: Int64.self) },
      ] + report(file, inner, depth: depth + 1)
    }
  }

  @Test(arguments: [
    fixture("foreign.h5"), fixture("hostile.h5"), fixture("compact.h5"), fixture("loop.h5"),
    golden("solver/resume-sgd-hdf5_iter_8.solverstate.h5"), golden("solver/train.h5"),
  ])
  func aReaderSaysWhatThisProcessWouldSay(path: String) throws {
    let (here, apart) = (try HDF5File(reading: path), try HDF5File.open(path))
    #expect(apart is RemoteHDF5File)
    let names = try here.children(of: "") + ["", "absent", "absent/too"]
    let expected = report(here, names)
    #expect(report(apart, names) == expected)
    #expect(expected.count > 20)
  }

  @Test(arguments: [golden("data/no such file.h5"), golden("data/list.txt"), "/", ""])
  func refusesToOpenInTheSameWords(path: String) {
    let here = refusal { _ = try HDF5File(reading: path) }
    #expect(refusal { _ = try HDF5File.open(path) } == here)
  }

  /// More than comes in one part, by rows of all sizes.
  @Test func readsRowsOfAnyRange() throws {
    let path = folder("rows.h5")
    let file = try HDF5File(creating: path)
    let values = (0..<700_000).map(Float.init)
    try file.write("x", values, shape: [7000, 10, 10])
    try file.close()
    let dataset = try HDF5File.open(path).dataset("x")
    #expect(try dataset.read(as: Float.self) == values)
    for rows in [0..<7000, 1..<6999, 6999..<7000, 3..<3] {
      var part = [Int64](repeating: -1, count: rows.count * 100)
      try part.withUnsafeMutableBufferPointer { try dataset.read(rows: rows, into: $0) }
      #expect(part == values[rows.lowerBound * 100..<rows.upperBound * 100].map { Int64($0) })
    }
  }

  /// All that can be read in order, and the refusal that ends it.
  func all(_ database: any RecordDatabase) throws -> (records: [[UInt8]], refusal: String?) {
    let cursor = try database.makeCursor()
    var records: [[UInt8]] = []
    do {
      while let next = try cursor.next({ Array($0.key) + Array($0.value) }) { records.append(next) }
      return (records, nil)
    } catch { return (records, "\(error)") }
  }

  @Test(arguments: WritableDatabase.allCases)
  func givesTheSameRecords(kind: WritableDatabase) throws {
    try write(kind)
    let (here, apart) = (try open(kind, "db"), try open(kind, "db", apart: true))
    #expect(apart is RemoteDatabase)
    #expect(try apart.count == 1000)
    let expected = try all(here).records
    #expect(try all(apart) == (expected, nil))
    for cursor in [try apart.makeCursor(), try apart.makeRandomCursor()] {
      for index in [999, 0, 5, 6, 500] {
        try cursor.seek(to: index)
        #expect(try cursor.next { Array($0.key) + Array($0.value) } == expected[index])
      }
      var found: [[UInt8]] = []
      let wanted = (0..<1500).map { $0 * 37 % 1000 }
      try cursor.records(at: wanted) { found.append(Array($0.key) + Array($0.value)) }
      #expect(found == wanted.map { expected[$0] })
    }
    for name in ["absent", "empty"] {
      if name == "empty" { try kind.create(folder(name)) { _ in } }
      let words = refusal { _ = try open(kind, name) }
      #expect(refusal { _ = try open(kind, name, apart: true) } == words)
    }
  }

  /// A cursor that has got far asks for records before they are wanted; others may ask in between.
  @Test(arguments: WritableDatabase.allCases)
  func cursorsTakeTurns(kind: WritableDatabase) throws {
    try write(kind)
    let expected = try all(open(kind, "db")).records
    let database = try open(kind, "db", apart: true)
    let cursors = try [1, 2, 7].map { (step: $0, cursor: try database.makeCursor()) }
    var found = cursors.map { _ in [[UInt8]]() }
    for _ in 0..<500 {
      for (index, (step, cursor)) in cursors.enumerated() {
        for _ in 0..<step {
          if let next = try cursor.next({ Array($0.key) + Array($0.value) }) {
            found[index].append(next)
          }
        }
      }
    }
    #expect(found == [Array(expected[..<500]), expected, expected])
    #expect(try database.count == 1000)
    for (_, cursor) in cursors {
      try cursor.seek(to: 3)
      #expect(try cursor.next { Array($0.key) + Array($0.value) } == expected[3])
    }
  }

  private func write(_ kind: WritableDatabase, count: Int = 1000) throws {
    try kind.create(folder("db")) { writer in
      for index in 0..<count {
        try writer.put(
          key: String(format: "%05d", index),
          value: (0..<index * 7 % 5000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3 &+ index) })
      }
    }
  }

  private func open(
    _ kind: WritableDatabase, _ name: String, apart: Bool = false
  ) throws -> any RecordDatabase {
    switch kind {
    case .lmdb: apart ? try LMDBDatabase.open(folder(name)) : try LMDBDatabase(folder(name))
    case .leveldb:
      apart ? try LevelDBDatabase.open(folder(name)) : try LevelDBDatabase(folder(name))
    }
  }

  /// The records before a damaged block are read, and again after it was met.
  @Test func damageIsMetWhereItIs() throws {
    // More than stays in the log.
    try write(.leveldb, count: 10_000)
    let table = try #require(
      try FileManager.default.contentsOfDirectory(atPath: folder("db")).sorted().first {
        $0.hasSuffix(".ldb")
      })
    var damaged = try bytes(of: folder("db/" + table))
    damaged[damaged.count * 2 / 3] ^= 0xFF
    _ = try folder.write("db/" + table, damaged)
    let here = try all(open(.leveldb, "db"))
    #expect(here.records.count > 100)
    #expect(here.refusal?.contains("block checksum mismatch") == true)
    let database = try open(.leveldb, "db", apart: true)
    #expect(try all(database) == here)
    let cursor = try database.makeCursor()
    // Comes with those before the damage, of which only the first is looked at.
    for _ in 0..<here.records.count { _ = try cursor.next { _ in } }
    var count = 0
    try cursor.records(at: [0, 1]) { _ in count += 1 }
    #expect(count == 2)
  }

  // MARK: Readers that break down

  @Test(arguments: [
    ("crashes", "libhdf5 broke down (signal 11) over this file, which must be damaged"),
    ("ends", "libhdf5 broke down (status 3) over this file, which must be damaged"),
    (
      "overworks",
      "libhdf5 was busy for 10 s of processor time over this file, which must be damaged"
    ),
    ("is-killed", "the process that reads this file was ended (signal 9)"),
    (
      "raves",
      "libhdf5 broke down (nonsense in its memory) over this file, which must be damaged"
    ),
  ])
  func whatBreaksAReaderIsASentence(deed: String, words: String) throws {
    // Not written here: a file that a process of another test has inherited open cannot be run.
    let script = fixture("readers/\(deed)")
    let path = golden("solver/train.h5")
    #expect(refusal { _ = try RemoteHDF5File(path, program: script) } == "\(path): \(words)")
  }

  @Test func aReaderThatCannotBeStartedIsASentence() {
    let words =
      "x.h5: cannot start a process to read this file: /no/program: No such file or directory"
    #expect(refusal { _ = try RemoteHDF5File("x.h5", program: "/no/program") } == words)
  }

  /// Each of these bytes crashes liblmdb, and this process with it if read here. The next database is read.
  @Test(arguments: [(11352, 7), (10597, 45)] as [(Int, UInt8)])
  func aDatabaseThatCrashesTheLibraryIsASentence(place: Int, byte: UInt8) throws {
    var pages = try bytes(of: golden("data/db-lmdb-gray/data.mdb"))
    pages[place] = byte
    try FileManager.default.createDirectory(
      atPath: folder("db"), withIntermediateDirectories: false)
    _ = try folder.write("db/data.mdb", pages)
    let words = refusal {
      let cursor = try LMDBDatabase.open(folder("db")).makeCursor()
      while try cursor.next({ _ in }) != nil {}
    }
    // A sanitizer hears of such signals first, and ends the process with a status.
    let sentence =
      Sanitizer.isOn
      ? /: liblmdb broke down \(status \d+\) over this file, which must be damaged/
      : /: liblmdb broke down \(signal (?:7|11)\) over this file, which must be damaged/
    #expect(words.contains(sentence), "\(words)")
    #expect(try LMDBDatabase.open(golden("data/db-lmdb-gray")).count > 0)
  }

  /// A change that comes twice, with the right checksum: Debian's libleveldb asserts that none does. The
  /// view that the reader had is removed.
  @Test func aDatabaseThatTheLibraryAbortsOverIsASentence() throws {
    let forged = folder("forged")
    try FileManager.default.copyItem(atPath: fixture("leveldb-log"), toPath: forged)
    let log = try bytes(of: forged + "/000003.log")
    _ = try folder.write("forged/000003.log", log + log)
    #expect(
      refusal { _ = try LevelDBDatabase.open(forged) }
        == "\(forged): libleveldb broke down (signal 6) over this file, which must be damaged")
    let database = try LevelDBDatabase.open(fixture("leveldb-log"))
    #expect(try database.count == 3)
  }
}
