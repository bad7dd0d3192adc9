import CaffeData
import CaffeErrors
import Foundation
import Testing

/// What holds for databases of either kind that the tools write.
@Suite struct RecordWriterTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  func records(_ path: String) throws -> [(key: String, value: [UInt8])] {
    let cursor = try DatabaseKind.open(path).makeCursor()
    var records: [(key: String, value: [UInt8])] = []
    while let record = try cursor.next({ ($0.name, Array($0.value)) }) { records.append(record) }
    return records
  }

  /// Across batches of 1000, and more than LevelDB's buffer of 8 MiB.
  @Test(arguments: WritableDatabase.allCases, [1, 1000, 2001])
  func readsBackWhatItWrote(backend: WritableDatabase, count: Int) throws {
    func value(_ index: Int) -> [UInt8] {
      (0..<5000).map { UInt8(truncatingIfNeeded: ($0 &+ 1) &* (index &+ 7)) }
    }
    try backend.create(folder("db")) { writer in
      for index in 0..<count {
        try writer.put(key: String(format: "%08d", index), value: value(index))
      }
      #expect(writer.count == count)
    }
    let records = try records(folder("db"))
    #expect(records.count == count)
    for (index, record) in records.enumerated() {
      #expect(record.key == String(format: "%08d", index))
      #expect(record.value == value(index))
    }
  }

  @Test(arguments: WritableDatabase.allCases)
  func keysMayComeInAnyOrderButOnce(backend: WritableDatabase) throws {
    try backend.create(folder("db")) { writer in
      for key in ["b", "c", "a", "bb"] { try writer.put(key: key, value: Array(key.utf8)) }
    }
    #expect(try records(folder("db")).map(\.key) == ["a", "b", "bb", "c"])
    for (first, second) in [("a", "a"), ("b", "a")] {
      expectError("\(folder("twice")): two records have the key 'a'") {
        try backend.create(folder("twice")) { writer in
          try writer.put(key: "a", value: [1])
          if first != "a" { try writer.put(key: first, value: [1]) }
          try writer.put(key: second, value: [2])
        }
      }
    }
  }

  @Test(arguments: WritableDatabase.allCases)
  func neverWritesIntoWhatIsThere(backend: WritableDatabase) throws {
    try backend.create(folder("db")) { try $0.put(key: "a", value: [1]) }
    expectError("\(folder("db")): this exists already; choose another name or remove it") {
      try backend.create(folder("db")) { _ in Issue.record("began to write") }
    }
    #expect(try records(folder("db")).count == 1)
  }

  @Test(arguments: WritableDatabase.allCases)
  func leavesNothingAfterAFailure(backend: WritableDatabase) throws {
    expectError("\(folder("db")): out of ideas") {
      try backend.create(folder("db")) { writer in
        try writer.put(key: "a", value: [1])
        throw CaffeError("out of ideas")
      }
    }
    expectError("a") { try backend.create(folder("db")) { try $0.put(key: "", value: [1]) } }
    expectError("\(folder("no/db")): No such file or directory") {
      try backend.create(folder("no/db")) { _ in }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }
}
