import CaffeData
import CaffeErrors
import CaffeSchema
import Foundation
import Testing

/// What the tools tell and draw of data.
@Suite struct InspectionTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  func datum(_ pixels: [UInt8], channels: Int, label: Int) throws -> [UInt8] {
    var datum = Datum()
    datum.channels = channels
    datum.height = 1
    datum.width = pixels.count / channels
    datum.data = pixels
    datum.label = label
    return try datum.binary()
  }

  // MARK: Summaries

  /// Channel 0 has 0, 0, 2, 2 and 6: mean 2, variance 24/5; channel 1 has 10 and 20.
  @Test func countsShapesLabelsAndChannels() throws {
    try LMDBWriter.create(folder("db")) { writer in
      try writer.put(key: "a", value: datum([0, 2, 10, 20], channels: 2, label: 7))
      try writer.put(key: "b", value: datum([0, 2, 6], channels: 1, label: -1))
      try writer.put(key: "c", value: [255])
    }
    var done: [Int] = []
    let summary = try DatasetSummary(of: LMDBDatabase(folder("db"))) { done.append($0) }
    #expect(summary.count == 3 && done == [1, 2, 3] && summary.encodedCount == 0)
    #expect(
      summary.shapes == [
        .init(channels: 2, height: 1, width: 2): 1, .init(channels: 1, height: 1, width: 3): 1,
      ])
    #expect(summary.labels == [7: 1, -1: 1])
    #expect(summary.channelMeans == [2, 15])
    #expect(abs(summary.channelDeviations[0] - 4.8.squareRoot()) < 1e-12)
    #expect(summary.channelDeviations[1] == 5)
    #expect(summary.damagedCount == 1)
    #expect(summary.firstDamage == "record 'c': not a Datum, or a truncated one (1 bytes)")
  }

  @Test func decodesToSummarise() throws {
    let summary = try DatasetSummary(of: LMDBDatabase(golden("data/db-lmdb-encoded")))
    #expect(summary.encodedCount == summary.count && summary.damagedCount == 0)
    #expect(summary.shapes.values.reduce(0, +) == summary.count)
  }

  // MARK: Contact sheets

  /// Three tiles of 1×2 in two columns: 0…200 is stretched to 0…255; the fourth place stays empty.
  @Test func drawsTilesInRows() throws {
    let extents = DataTransformer.Extents(channels: 1, height: 1, width: 2)
    let sheet = try ContactSheet.make([-100, 0, 100, .nan, 0, 100], count: 3, extents, columns: 2)
    #expect((sheet.height, sheet.width, sheet.channels) == (2 * 3 + 2, 2 * 4 + 2, 3))
    func pixel(_ row: Int, _ column: Int) -> [UInt8] {
      let start = (row * sheet.width + column) * 3
      return Array(sheet.pixels[start..<start + 3])
    }
    func gray(_ value: UInt8) -> [UInt8] { [value, value, value] }
    #expect(pixel(2, 2) == gray(0) && pixel(2, 3) == gray(128))
    #expect(pixel(2, 6) == gray(255) && pixel(2, 7) == gray(0))
    #expect(pixel(5, 2) == gray(128) && pixel(5, 3) == gray(255))
    #expect(pixel(5, 6) == pixel(0, 0))
  }

  @Test func drawsColor() throws {
    let extents = DataTransformer.Extents(channels: 3, height: 1, width: 1)
    let sheet = try ContactSheet.make([0, 1, 2, 2, 2, 2], count: 2, extents, columns: 8)
    #expect((sheet.height, sheet.width) == (5, 8))
    let start = (2 * sheet.width + 2) * 3
    #expect(sheet.pixels[start..<start + 3].elementsEqual([0, 128, 255]))
  }

  @Test func tilesOfOneValueAreBlack() throws {
    let extents = DataTransformer.Extents(channels: 1, height: 1, width: 1)
    let sheet = try ContactSheet.make([5], count: 1, extents, columns: 1)
    #expect(sheet.pixels[(2 * 5 + 2) * 3] == 0)
  }

  // MARK: Classification

  @Test func preparesAnImageAsTheNetTakesIt() throws {
    let extents = DataTransformer.Extents(channels: 3, height: 2, width: 3)
    let values = try ImagePreparation(for: extents, means: [10, 20, 30], scale: 0.5)
      .prepare(fixture("gray.png"))
    let gray: [Float] = [255, 0, 0, 1, 40, 255]
    #expect(values == [10, 20, 30].flatMap { mean in gray.map { ($0 - mean) / 2 } })
    let resized = DataTransformer.Extents(channels: 1, height: 8, width: 8)
    #expect(try ImagePreparation(for: resized).prepare(fixture("rgb.png")).count == 64)
    expectError("the input must have 1 or 3 channels, it has 2") {
      _ = try ImagePreparation(for: .init(channels: 2, height: 1, width: 1))
    }
    expectError("mean_value must be given once or once per channel (3), got 2") {
      _ = try ImagePreparation(for: extents, means: [1, 2])
    }
    expectError("\(fixture("foreign.h5")): the image is neither PNG, JPEG, BMP nor PNM") {
      _ = try ImagePreparation(for: extents).prepare(fixture("foreign.h5"))
    }
  }

  @Test func ranksScores() {
    func numbers(_ count: Int, _ scores: [Float]) -> [Int] {
      TopScores.best(count, of: scores).map(\.number)
    }
    #expect(numbers(2, [0.1, 0.7, 0.2]) == [1, 2])
    #expect(numbers(9, [0.5, 0.5, .nan, -1]) == [0, 1, 3, 2])
    #expect(TopScores.best(1, of: [3, 4] as [Float]).map(\.score) == [4])
  }

  @Test func readsNamesOfClasses() throws {
    let path = try folder.write("names", "n01 tabby, cat\r\nn02 dog\n".utf8)
    let names = try ClassNames(file: path)
    #expect(names.names == ["n01 tabby, cat", "n02 dog"])
    expectError("there are 2 names of classes, but the net scores 3") {
      try names.check(classes: 3)
    }
    expectError("there are no names of classes") {
      _ = try ClassNames(file: folder.write("empty", "\n".utf8))
    }
  }

  // MARK: Features

  func target(_ blob: String, _ path: String, _ shape: [Int]) -> FeatureFormat.Target {
    FeatureFormat.Target(blob: blob, path: folder(path), rowShape: shape)
  }

  @Test(arguments: [FeatureFormat.lmdb, .leveldb])
  func writesFeaturesAsDatums(format: FeatureFormat) throws {
    try format.create([target("a", "a", [2]), target("b", "b", [3, 1, 2])]) { sinks in
      for batch in 0..<2 {
        try sinks[0].append(rows: 2, of: [2], (0..<4).map { Float(batch * 4 + $0) })
        try sinks[1].append(rows: 1, of: [3, 1, 2], Array(repeating: Float(batch), count: 6))
      }
    }
    let cursor = try DatabaseKind.open(folder("a")).makeCursor()
    for row in 0..<4 {
      let (name, datum) = try #require(
        cursor.next { ($0.name, try DatumRecord(binary: $0.value)) })
      #expect(name == String(format: "%010d", row))
      #expect((datum.channels, datum.height, datum.width) == (2, 1, 1))
      #expect(datum.floatData == [Float(2 * row), Float(2 * row + 1)] && datum.data.isEmpty)
    }
    #expect(try cursor.next(\.name) == nil)
    #expect(try DatabaseKind.open(folder("b")).count == 2)
  }

  @Test func writesFeaturesAsHDF5() throws {
    try FeatureFormat.hdf5.create([target("fc", "f.h5", [2, 2])]) { sinks in
      try sinks[0].append(rows: 1, of: [2, 2], [1, 2, 3, 4])
      try sinks[0].append(rows: 1, of: [2, 2], [5, 6, 7, 8])
    }
    let file = try HDF5File(reading: folder("f.h5"))
    let features = try file.read("fc", as: Float.self)
    #expect(features.values == [1, 2, 3, 4, 5, 6, 7, 8] && features.shape == [2, 2, 2])
  }

  /// As when each batch is one image of its own size.
  @Test(arguments: FeatureFormat.allCases)
  func rowsOfSeveralShapes(format: FeatureFormat) throws {
    func write() throws {
      try format.create([target("data", "d", [1, 2, 3])]) { sinks in
        try sinks[0].append(rows: 1, of: [1, 2, 3], [1, 2, 3, 4, 5, 6])
        try sinks[0].append(rows: 1, of: [1, 1, 2], [7, 8])
      }
    }
    guard format != .hdf5 else {
      return expectError(
        "the rows of blob 'data' are [1, 1, 2], but the first are [1, 2, 3]; use lmdb or leveldb",
        write)
    }
    try write()
    let cursor = try DatabaseKind.open(folder("d")).makeCursor()
    _ = try cursor.next { _ in }
    let datum = try #require(cursor.next { try DatumRecord(binary: $0.value) })
    #expect((datum.channels, datum.height, datum.width) == (1, 1, 2) && datum.floatData == [7, 8])
  }

  @Test(arguments: FeatureFormat.allCases)
  func neverWritesIntoWhatIsThere(format: FeatureFormat) throws {
    _ = try folder.write("there", [1])
    expectError("\(folder("there")): this exists already") {
      try format.create([target("a", "there", [1])]) { _ in Issue.record("began to write") }
    }
    expectError("out of ideas") {
      try format.create([target("a", "new", [1])]) { _ in throw CaffeError("out of ideas") }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["there"])
  }

  @Test func aDatumHasThreeAxes() throws {
    expectError("a Datum has at most 3 axes, but blob 'a' has 4 besides the batch; use hdf5") {
      try FeatureFormat.lmdb.create([target("a", "a", [1, 2, 3, 4])]) { _ in }
    }
  }
}
