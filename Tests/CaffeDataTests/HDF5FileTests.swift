import CaffeData
import CaffeErrors
import Foundation
import Testing

@Suite struct HDF5FileTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  @Test func readsBackWhatItWrote() throws {
    let path = folder("all.h5")
    let file = try HDF5File(creating: path)
    try file.write("data/conv1/0", [1.5, -2, .infinity, 4, 5, 6] as [Float], shape: [2, 3])
    try file.write("iter", Int32(7))
    try file.write("empty", [Float](), shape: [0, 4])
    try file.write("inception_3a/1x1/0", [9] as [Double], shape: [1, 1])
    try file.createGroup("data/relu1")
    try file.writeString("learned_net", "snap_iter_7.caffemodel.h5")
    try file.setAttribute("prototxt", of: "data", to: "layer {}")
    try file.setAttribute("count", of: "data/conv1", to: Int64(3))
    try file.setAttribute("rate", of: "/", to: Float(0.5))
    try file.close()

    let back = try HDF5File(reading: path)
    let weights = try back.read("/data/conv1/0", as: Float.self)
    #expect(weights.shape == [2, 3])
    #expect(weights.values == [1.5, -2, .infinity, 4, 5, 6])
    #expect(try back.read("iter", as: Int64.self).values == [7])
    #expect(try back.read("iter", as: Float.self).shape == [1])
    #expect(try back.read("empty", as: Float.self).shape == [0, 4])
    #expect(try back.read("inception_3a/1x1/0", as: Double.self).values == [9])
    #expect(try back.readString("learned_net") == "snap_iter_7.caffemodel.h5")
    #expect(try back.stringAttribute("prototxt", of: "data") == "layer {}")
    #expect(try back.numberAttribute("count", of: "data/conv1", as: Int64.self) == 3)
    #expect(try back.numberAttribute("rate", of: "", as: Float.self) == 0.5)
    #expect(try back.stringAttribute("absent", of: "data") == nil)
    #expect(
      try back.children(of: "/") == ["data", "empty", "inception_3a", "iter", "learned_net"])
    #expect(try back.isGroup("data/relu1"))
    #expect(try !back.isGroup("iter"))
    #expect(back.exists("data/conv1/0"))
    #expect(!back.exists("data/conv2/0"))
    #expect(!back.exists("iter/0"))
  }

  @Test func equalContentGivesEqualBytes() throws {
    let files = try ["a.h5", "b.h5"].map { name in
      let file = try HDF5File(creating: folder(name))
      try file.write("data/ip/0", [1, 2] as [Float], shape: [2])
      try file.close()
      return try bytes(of: folder(name))
    }
    #expect(files[0] == files[1])
    #expect(files[0].count > 8)
  }

  @Test func severalFilesMayBeWrittenAtOnce() throws {
    let files = try (0..<3).map { try HDF5File(creating: folder("\($0).h5")) }
    for (index, file) in files.enumerated() { try file.write("x", Int32(index)) }
    for file in files { try file.close() }
    for index in 0..<3 {
      let file = try HDF5File(reading: folder("\(index).h5"))
      #expect(try file.read("x", as: Int64.self).values == [Int64(index)])
    }
  }

  @Test func namesAreInNaturalOrder() throws {
    let file = try HDF5File(creating: folder("order.h5"))
    for name in ["10", "9", "conv10", "conv2", "0"] { try file.createGroup("g/" + name) }
    #expect(try file.children(of: "g") == ["0", "9", "10", "conv2", "conv10"])
  }

  @Test func readsRowsOfAnyRange() throws {
    let path = folder("rows.h5")
    let file = try HDF5File(creating: path)
    let values = (0..<5 * 2 * 3).map(Float.init)
    try file.write("x", values, shape: [5, 2, 3])
    try file.close()
    let dataset = try HDF5File(reading: path).dataset("x")
    #expect(dataset.rowCount == 6)
    for rows in [0..<5, 1..<3, 4..<5, 2..<2] {
      var part = [Float](repeating: -1, count: rows.count * 6)
      try part.withUnsafeMutableBufferPointer { try dataset.read(rows: rows, into: $0) }
      #expect(part == Array(values[rows.lowerBound * 6..<rows.upperBound * 6]))
    }
  }

  /// Written by h5py: every number type, both string kinds, compressed chunks, a soft link.
  @Test func readsWhatOthersWrite() throws {
    let file = try HDF5File(reading: fixture("foreign.h5"))
    let types = ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "f2", "f4", "f8", ">f4", ">i4"]
    for type in types {
      #expect(try file.read("numbers/" + type, as: Float.self).values == [1, 2, 100], "\(type)")
      #expect(try file.read("numbers/" + type, as: Int64.self).values == [1, 2, 100], "\(type)")
    }
    #expect(try file.read("scalar", as: Double.self).shape == [])
    #expect(try file.read("scalar", as: Double.self).values == [0.25])
    #expect(try file.readString("fixed") == "fixed text")
    #expect(try file.readString("variable") == "variable ☕")
    #expect(try file.stringAttribute("fixed", of: "") == "fixed text")
    #expect(try file.stringAttribute("variable", of: "") == "variable ☕")
    let zeros = try file.read("compressed zeros", as: Float.self)
    #expect(zeros.shape == [1000, 1000])
    #expect(zeros.values.allSatisfy { $0 == 0 })
    #expect(try file.read("soft", as: Float.self).values == [1, 2, 100])
  }

  @Test(arguments: [
    ("no such file.h5", "No such file or directory"), ("list.txt", "this is not an HDF5 file"),
  ])
  func refusesToOpen(name: String, why: String) throws {
    let path = golden("data/" + name)
    #expect(!HDF5File.isHDF5(path))
    expectError("\(path): \(why)") { _ = try HDF5File(reading: path) }
  }

  @Test func sniffsByContent() throws {
    #expect(HDF5File.isHDF5(golden("solver/init.caffemodel.h5")))
    #expect(!HDF5File.isHDF5(golden("solver/init.caffemodel")))
  }

  @Test(arguments: [
    ("external link", "'external link': this is a link to another file; such links are not"),
    ("external group/x", "'external group/x': this is a link to another file"),
    ("soft to external", "'soft to external': cannot open this object"),
    ("external storage", "the values are kept in another file; other files are not opened"),
    ("virtual", "the values are kept in another file; other files are not opened"),
    ("absent", "'absent': there is no such object"),
    ("group", "'group': this is not a dataset"),
    ("text", "this dataset holds text, not numbers"),
    ("records", "this dataset holds records, not numbers"),
    ("lists", "this dataset holds lists of varying length, not numbers"),
    ("null", "this dataset is empty: it has no extents"),
    ("never written", "the header promises 8796093022208 bytes in extents [1099511627776, 2]"),
    ("overflowing", "are more than memory can address"),
    ("huge chunk", "the header promises"),
  ])
  func refusesToRead(name: String, why: String) throws {
    let file = try HDF5File(reading: fixture("hostile.h5"))
    expectError(why) { _ = try file.read(name, as: Float.self) }
  }

  @Test func neverReadsThroughLinksOutOfTheFile() throws {
    let file = try HDF5File(reading: fixture("hostile.h5"))
    for name in ["external link", "external group/x", "external group"] {
      #expect(!file.exists(name))
      expectError("link to another file") { _ = try file.children(of: name) }
      expectError("link to another file") { _ = try file.stringAttribute("a", of: name) }
    }
    expectError("this is not a group") { _ = try file.children(of: "text") }
    expectError("this is not one string") { _ = try file.readString("null") }
    expectError("attribute 'many': this attribute is not one number") {
      _ = try file.numberAttribute("many", of: "/", as: Float.self)
    }
  }

  /// A forged extent on a contiguous dataset must not be believed.
  @Test func refusesForgedExtents() throws {
    let path = folder("honest.h5")
    let file = try HDF5File(creating: path)
    try file.write("x", [Float](repeating: 1, count: 54321), shape: [54321])
    try file.close()
    let forged = try folder.write(
      "forged.h5", replacing(54321, by: 1 << 40, in: try bytes(of: path)))
    expectError("the header promises 4398046511104 bytes in extents [1099511627776]") {
      _ = try HDF5File(reading: forged).dataset("x")
    }
  }

  /// Little more than is stored, so that a dataset never written could have it.
  @Test func refusesSmallForgeries() throws {
    let file = try HDF5File(creating: folder("honest.h5"))
    try file.write("x", [Float](repeating: 1, count: 54321), shape: [54321])
    try file.close()
    let compact = fixture("compact.h5")
    #expect(try HDF5File(reading: compact).read("x", as: Float.self).values.count == 331)
    for (path, count) in [(folder("honest.h5"), 54321), (compact, 331)] as [(String, UInt64)] {
      let forged = try folder.write(
        "forged.h5", replacing(count, by: 1 << 20, in: try bytes(of: path)))
      expectError("the header promises 4194304 bytes in extents [1048576], but only") {
        _ = try HDF5File(reading: forged).dataset("x")
      }
    }
  }

  /// Cut anywhere, a file gives an error or its full content, never a crash or other numbers.
  @Test func survivesTruncationAnywhere() throws {
    let whole = try bytes(of: golden("solver/init.caffemodel.h5"))
    let expected = try HDF5File(reading: golden("solver/init.caffemodel.h5"))
      .read("data/ip1/0", as: Float.self).values
    var refused = 0
    for length in stride(from: 0, to: whole.count, by: 97) {
      let path = try folder.write("cut.h5", whole[..<length])
      do {
        let values = try HDF5File(reading: path).read("data/ip1/0", as: Float.self).values
        #expect(values == expected)
      } catch {
        #expect(error is CaffeError)
        refused += 1
      }
    }
    #expect(refused > 50)
  }

  @Test func writingTwiceOrNowhereIsAnError() throws {
    let file = try HDF5File(creating: folder("twice.h5"))
    try file.createGroup("data/ip")
    expectError("'data/ip': cannot create this group") { try file.createGroup("data/ip") }
    try file.write("x", Int32(1))
    expectError("'x': cannot create this dataset") { try file.write("x", Int32(2)) }
    try file.close()
    expectError("this file is closed already") { try file.write("y", Int32(2)) }
    expectError("\(folder("no/such/folder.h5")): No such file or directory") {
      _ = try HDF5File(creating: folder("no/such/folder.h5"))
    }
  }

  /// `/dev/full` refuses every write as a full disk does.
  @Test func tellsThatTheDiskIsFull() throws {
    expectError("/dev/full: No space left on device") {
      let file = try HDF5File(creating: "/dev/full")
      try file.write("x", [Float](repeating: 1, count: 1 << 20), shape: [1 << 20])
      try file.close()
    }
  }

  @Test func manyThreadsMayReadAtOnce() throws {
    let file = try HDF5File(reading: golden("layers.h5"))
    let names = try file.children(of: "")
    let failures = LockedCounter()
    DispatchQueue.concurrentPerform(iterations: 64) { index in
      let name = names[index % names.count]
      let inner = try? HDF5File(reading: golden("layers.h5")).children(of: name)
      if inner == nil || inner != (try? file.children(of: name)) { failures.increment() }
    }
    #expect(failures.value == 0)
  }
}

/// A count that several threads may raise.
final class LockedCounter: @unchecked Sendable {
  private let lock = NSLock()
  private var count = 0
  var value: Int { lock.withLock { count } }
  func increment() { lock.withLock { count += 1 } }
}
