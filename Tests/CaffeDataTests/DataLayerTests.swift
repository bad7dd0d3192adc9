import CaffeData
import CaffeErrors
import CaffeSchema
import Foundation
import Testing

/// What the Data layer does beyond Caffe's: order, workers, damaged records, epochs.
@Suite struct DataLayerTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// 1×2×3 pixels that tell the record's number, which is its label too.
  func record(_ index: Int) throws -> [UInt8] {
    var datum = Datum()
    datum.channels = 1
    datum.height = 2
    datum.width = 3
    datum.data = (0..<6).map { UInt8(truncatingIfNeeded: index * 6 + $0) }
    datum.label = index
    return try datum.binary()
  }

  /// - Parameter damaged: which records are no Datum.
  func write(_ count: Int, damaged: Set<Int> = [], as backend: WritableDatabase = .lmdb) throws {
    try backend.create(folder("db")) { writer in
      for index in 0..<count {
        try writer.put(
          key: String(format: "%08d", index),
          value: damaged.contains(index) ? [255, 255] : record(index))
      }
    }
  }

  func layer(
    _ fields: String, transform: String = "", backend: WritableDatabase = .lmdb,
    seed: UInt64 = 1, report: @escaping (String) -> Void = { _ in }
  ) throws -> TestLayer {
    try TestLayer(
      DataLayer.kind,
      "transform_param { \(transform) } data_param { source: \"db\" "
        + "backend: \(backend.rawValue.uppercased()) \(fields) }",
      seed: seed, folder: folder.path, report: report)
  }

  // MARK: Order

  @Test(arguments: WritableDatabase.allCases)
  func shufflesAllRecordsAnewInEachEpoch(backend: WritableDatabase) throws {
    try write(30, as: backend)
    let layer = try layer("batch_size: 10 shuffle: true", backend: backend)
    let epochs = try (0..<3).map { _ in try layer.batches(3) }
    let orders = epochs.map { $0.flatMap { $0[1] } }
    for order in orders { #expect(order.sorted() == (0..<30).map(Float.init)) }
    #expect(Set(orders).count == 3)
    // The pixels are those of the label's record.
    for batch in epochs.joined() {
      for (item, label) in batch[1].enumerated() { #expect(batch[0][item * 6] == label * 6) }
    }
  }

  /// Wherever a run resumes, it gets the batches it would have got.
  @Test func aShuffledBatchDependsOnSeedAndPassAlone() throws {
    try write(7)
    let expected = try layer("batch_size: 3 shuffle: true").batches(8)
    let other = try layer("batch_size: 3 shuffle: true workers: 2")
    for pass in [5, 0, 7, 2] {
      try other.layer.seek(toPass: UInt64(pass))
      #expect(try other.forward() == expected[pass])
    }
    #expect(try layer("batch_size: 3 shuffle: true", seed: 2).batches(8) != expected)
  }

  @Test(arguments: WritableDatabase.allCases)
  func aRandomCursorFindsAnyRecord(backend: WritableDatabase) throws {
    try write(50, as: backend)
    let cursor = try DatabaseKind.open(folder("db")).makeRandomCursor()
    for index in [49, 0, 7, 8, 7, 30] {
      try cursor.seek(to: index)
      #expect(try cursor.next(\.name) == String(format: "%08d", index))
      if index < 49 { #expect(try cursor.next(\.name) == String(format: "%08d", index + 1)) }
    }
  }

  // MARK: Workers

  @Test(arguments: [2, 3, 8])
  func batchesDoNotDependOnTheNumberOfWorkers(workers: Int) throws {
    try write(20)
    let (fields, transform) = ("batch_size: 6 prefetch: 2", "crop_size: 2 mirror: true")
    let expected = try layer(fields, transform: transform).batches(30)
    let batches = try layer("\(fields) workers: \(workers)", transform: transform).batches(30)
    #expect(batches == expected)
  }

  @Test func tellsHowLongItWaited() throws {
    try write(4)
    let layer = try layer("batch_size: 2")
    _ = try layer.batches(3)
    #expect(try #require(layer.layer as? ImageBatchLayer).waited >= .zero)
  }

  // MARK: Epochs

  @Test(arguments: WritableDatabase.allCases, ["", "shuffle: true"])
  func knowsHowManyRecordsAnEpochHas(backend: WritableDatabase, fields: String) throws {
    try write(13, as: backend)
    let layer = try layer("batch_size: 4 \(fields)", backend: backend).layer
    #expect(try (layer as? ImageBatchLayer)?.recordCount() == 13)
  }

  // MARK: Damaged records

  /// Records 0, 3 and 4 of 6, in batches of 3: [0! 1 2] [3! 4! 5].
  @Test func skipsAndCountsDamagedRecords() throws {
    try write(6, damaged: [0, 3, 4])
    let remarks = Remarks()
    let layer = try layer("batch_size: 3 skip_damaged: true", report: remarks.add)
    let batches = try layer.batches(2)
    #expect(batches.map { $0[1] } == [[2, 1, 2], [5, 5, 5]])
    #expect(batches[0][0] == [12, 13, 14, 15, 16, 17].map { $0 } + (6..<18).map(Float.init))
    #expect((layer.layer as? ImageBatchLayer)?.damagedCount == 3)
    #expect(
      remarks.all.first
        == "\(folder("db")): record '00000000': not a Datum, or a truncated one (2 bytes); "
        + "skipped, 1 so far")
  }

  @Test func aDamagedRecordIsAnErrorThatNamesItsKey() throws {
    try write(6, damaged: [4])
    let layer = try layer("batch_size: 3")
    _ = try layer.forward()
    expectError("\(folder("db")): record '00000004': not a Datum, or a truncated one (2 bytes)") {
      _ = try layer.forward()
    }
  }

  @Test func someRecordMustBeUsable() throws {
    try write(2, damaged: [0, 1])
    expectError("\(folder("db")): no record can be used") {
      _ = try layer("batch_size: 1 skip_damaged: true")
    }
  }

  @Test(arguments: [
    ("workers: 0", "workers must be in 1..256, got 0"),
    ("prefetch: 0", "prefetch must be positive"),
  ])
  func refusesWhatCannotBe(fields: String, message: String) throws {
    try write(2)
    expectError(message) { _ = try layer("batch_size: 1 \(fields)") }
  }
}
