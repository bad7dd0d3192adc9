import CaffeData
import CaffeErrors
import Foundation
import Testing

@Suite struct HDF5DataSourceTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// Files of the given row counts; record r holds [r, r + 0.5] and the label r, counted through.
  func list(_ rowCounts: [Int], blankLines: Bool = false) throws -> String {
    var record = 0
    var paths: [String] = []
    for (index, rows) in rowCounts.enumerated() {
      let path = folder("\(index).h5")
      let file = try HDF5File(creating: path)
      let numbers = record..<record + rows
      try file.write(
        "data", numbers.flatMap { [Float($0), Float($0) + 0.5] }, shape: [rows, 1, 2])
      try file.write("label", numbers.map { Int32($0) }, shape: [rows])
      try file.close()
      record += rows
      paths.append(path)
    }
    let text = paths.joined(separator: blankLines ? "\n\n  \r\n" : "\n") + "\n"
    return try folder.write("list.txt", text.utf8)
  }

  /// The next records' labels, after checking that each row of data belongs to its label.
  func labels(_ source: HDF5DataSource, _ count: Int) throws -> [Int] {
    var data = [Float](repeating: .nan, count: count * 2)
    var label = [Float](repeating: .nan, count: count)
    try data.withUnsafeMutableBufferPointer { data in
      try label.withUnsafeMutableBufferPointer { try source.read(count, into: [data, $0]) }
    }
    for index in 0..<count {
      #expect(data[2 * index] == label[index])
      #expect(data[2 * index + 1] == label[index] + 0.5)
    }
    return label.map { Int($0) }
  }

  /// Windows of 1 row, of a few, of everything: the records are the same.
  @Test(arguments: [1, 40, 1 << 20])
  func batchesRunAcrossFilesAndEpochs(windowBytes: Int) throws {
    let source = try HDF5DataSource(
      list: list([3, 0, 5, 1], blankLines: true), tops: ["data", "label"],
      windowBytes: windowBytes)
    #expect(source.recordCount == 9)
    #expect(source.rowShapes == [[1, 2], []])
    for batch in 0..<6 {
      #expect(try labels(source, 4) == (0..<4).map { (batch * 4 + $0) % 9 })
    }
    #expect(source.position == 24)
  }

  @Test(arguments: [1, 1 << 20])
  func everyEpochHasEveryRecordInAnotherOrder(windowBytes: Int) throws {
    let source = try HDF5DataSource(
      list: list([30, 0, 20, 10]), tops: ["data", "label"], shuffle: true, seed: 4,
      windowBytes: windowBytes)
    let epochs = try (0..<4).map { _ in try labels(source, 60) }
    for epoch in epochs { #expect(epoch.sorted() == Array(0..<60)) }
    #expect(Set(epochs).count == 4)
    // Rows of a file stay together, as Caffe shuffles: only 3 changes from file to file.
    for epoch in epochs {
      let files = epoch.map { $0 < 30 ? 0 : $0 < 50 ? 1 : 2 }
      #expect(zip(files, files.dropFirst()).count { $0 != $1 } == 2)
    }
  }

  @Test func theOrderOfFilesChangesToo() throws {
    let source = try HDF5DataSource(
      list: list([1, 1, 1]), tops: ["data", "label"], shuffle: true, seed: 1)
    #expect(Set(try (0..<60).map { _ in try labels(source, 3) }).count == 6)
  }

  @Test func seekingGivesWhatReadingOnGives() throws {
    let list = try list([30, 20, 10])
    func source(seed: UInt64 = 7) throws -> HDF5DataSource {
      try HDF5DataSource(list: list, tops: ["data", "label"], shuffle: true, seed: seed)
    }
    let all = try labels(source(), 200)
    for position in [0, 59, 60, 61, 133] {
      let other = try source()
      other.seek(to: position)
      #expect(try labels(other, 40) == Array(all[position..<position + 40]))
    }
    #expect(try labels(source(seed: 8), 200) != all)
  }

  // MARK: Refusals

  func expectRefusal(_ words: String, _ path: String, tops: [String] = ["data", "label"]) throws {
    let list = try folder.write("list.txt", path.utf8)
    expectError(words) { _ = try HDF5DataSource(list: list, tops: tops) }
  }

  func file(_ name: String, data: [Int], label: [Int]) throws -> String {
    let file = try HDF5File(creating: folder(name))
    func zeros(_ shape: [Int]) -> [Float] { Array(repeating: 0, count: shape.reduce(1, *)) }
    try file.write("data", zeros(data), shape: data)
    try file.write("label", zeros(label), shape: label)
    try file.close()
    return folder(name)
  }

  @Test func tellsWhatDoesNotFit() throws {
    let good = try file("good.h5", data: [2, 3], label: [2])
    try expectRefusal("the list names no HDF5 file", "\n \n")
    try expectRefusal("\(folder("no.h5")): No such file or directory", folder("no.h5"))
    try expectRefusal("\(good): 'weights': there is no such object", good, tops: ["weights"])
    try expectRefusal(
      "'label' has 3 rows, but 'data' 2", try file("rows.h5", data: [2, 3], label: [3]))
    try expectRefusal(
      "the rows of 'data' are [4], but [3] in \(good)",
      good + "\n" + file("wide.h5", data: [2, 4], label: [2]))
    try expectRefusal(
      "'data' is a single number; rows are wanted", try file("scalar.h5", data: [], label: [1]))
    try expectRefusal(
      "the listed files have no rows", try file("empty.h5", data: [0, 3], label: [0]))
    expectError("\(good): it is an HDF5 file; the source must be a text file") {
      _ = try HDF5DataSource(list: good, tops: ["data"])
    }
    expectError("File not found: \(folder("none.txt"))") {
      _ = try HDF5DataSource(list: folder("none.txt"), tops: ["data"])
    }
  }

  @Test func tellsThatAFileChangedMeanwhile() throws {
    let path = try file("a.h5", data: [2, 3], label: [2])
    let source = try HDF5DataSource(
      list: folder.write("list.txt", path.utf8), tops: ["data", "label"])
    _ = try file("a.h5", data: [1, 3], label: [1])
    expectError("\(path): this file has changed since training began") {
      _ = try labels(source, 2)
    }
  }
}
