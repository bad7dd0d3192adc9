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

  @Test func givesTheSameRecords() throws {
    try LMDBWriter.create(folder("db")) { writer in
      for index in 0..<1000 {
        try writer.put(
          key: String(format: "%05d", index),
          value: [UInt8](repeating: UInt8(index % 256), count: index * 7 % 5000))
      }
    }
    let (here, apart) = (try LMDBDatabase(folder("db")), try LMDBDatabase.open(folder("db")))
    #expect(try apart.count == 1000)
    func all(_ database: any RecordDatabase) throws -> [[UInt8]] {
      let cursor = try database.makeCursor()
      var records: [[UInt8]] = []
      while let next = try cursor.next({ Array($0.key) + Array($0.value) }) { records.append(next) }
      return records
    }
    let expected = try all(here)
    #expect(try all(apart) == expected)
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
      if name == "empty" { try LMDBWriter.create(folder(name)) { _ in } }
      let words = refusal { _ = try LMDBDatabase(folder(name)) }
      #expect(refusal { _ = try LMDBDatabase.open(folder(name)) } == words)
    }
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
    let sentence = /: liblmdb broke down \(signal (7|11)\) over this file, which must be damaged/
    #expect(words.contains(sentence), "\(words)")
    #expect(try LMDBDatabase.open(golden("data/db-lmdb-gray")).count > 0)
  }
}
