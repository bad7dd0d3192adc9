import CaffeData
import CaffeErrors
import Foundation
import Testing

@Suite struct AtomicFileTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  func write(_ text: String, to path: String) throws {
    try Array(text.utf8).withUnsafeBytes { try AtomicFile.write(path, $0) }
  }

  @Test func replacesAnOlderFile() throws {
    try write("old", to: folder("a"))
    try write("new", to: folder("a"))
    #expect(try bytes(of: folder("a")) == Array("new".utf8))
    #expect(try names() == ["a"])
  }

  @Test func worksForAWriterThatWantsAPath() throws {
    try AtomicFile.write(folder("w.h5")) { temporary in
      let file = try HDF5File(creating: temporary)
      try file.write("iter", Int32(3))
      try file.close()
    }
    #expect(try HDF5File(reading: folder("w.h5")).read("iter", as: Int64.self).values == [3])
    #expect(try names() == ["w.h5"])
  }

  @Test func afterAFailureTheOldFileIsAsItWas() throws {
    try write("old", to: folder("a"))
    expectError("\(folder("a")): out of ideas") {
      try AtomicFile.write(folder("a")) { temporary in
        try Data("half".utf8).write(to: URL(fileURLWithPath: temporary))
        throw CaffeError("out of ideas")
      }
    }
    #expect(try bytes(of: folder("a")) == Array("old".utf8))
    #expect(try names() == ["a"])
  }

  /// A process that was killed leaves its temporary file; one that still writes must keep its own.
  @Test func removesWhatKilledProcessesLeft() throws {
    var own = ""
    try AtomicFile.write(folder("a")) { temporary in
      own = (temporary as NSString).lastPathComponent
      try Data().write(to: URL(fileURLWithPath: temporary))
      let dead = own.replacing(".\(getpid()).", with: ".\(pid_t.max).")
      _ = try folder.write(dead, [1])
      _ = try folder.write(dead.replacing(".a.", with: ".b."), [1])
      try write("meanwhile", to: folder("a"))
      #expect(try names().filter { $0.hasPrefix(".a.") } == [own])
    }
    #expect(try names().count == 2)
  }

  /// The temporary name is our affair: an error from the writer shows the name the user gave.
  @Test func errorsNameTheFileTheUserAskedFor() throws {
    do {
      try AtomicFile.write(folder("a")) { temporary in
        throw CaffeError("No space left on device", places: [temporary, "'data/ip'"])
      }
      Issue.record("no error")
    } catch let error as CaffeError {
      #expect(error.places == [folder("a"), "'data/ip'"])
    }
  }

  @Test(arguments: [("no/such/a", "No such file or directory"), ("folder", "Is a directory")])
  func tellsWhyItCannot(name: String, why: String) throws {
    try FileManager.default.createDirectory(
      atPath: folder("folder/in"), withIntermediateDirectories: true)
    expectError("\(folder(name)): \(why)") { try write("x", to: folder(name)) }
    #expect(try names() == ["folder"])
  }

  @Test func aWriterThatMakesNothingIsAnError() throws {
    expectError("\(folder("a")): No such file or directory") {
      try AtomicFile.write(folder("a")) { _ in }
    }
    #expect(try names() == [])
  }
}
