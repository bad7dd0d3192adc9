import CaffeErrors
import CaffeSchema

/// Makes the n-th batch of a database: reads, decodes and transforms its records.
final class RecordBatchSource: ImageBatchSource, @unchecked Sendable {
  // What changes belongs to `gather`, which one thread at a time calls.

  let batchSize: Int
  let firstExtents: DataTransformer.Extents
  var recordCount: Int? { get throws { try database.count } }
  private let database: any RecordDatabase
  private let transformer: DataTransformer
  private let seed: UInt64
  private let skipsDamaged: Bool
  /// The order of each epoch; nil for that of the keys.
  private let order: EpochPermutation?
  private let cursor: any RecordCursor
  /// The record that `cursor` gives next, counted over all epochs.
  private var position = 0

  /// - Parameters:
  ///   - seed: of crops and mirrors.
  ///   - orderSeed: of the order of the records; nil for that of their keys.
  ///   - skipsDamaged: records that cannot be used give way to their neighbours.
  init(
    database: any RecordDatabase, transformer: DataTransformer, batchSize: Int, seed: UInt64,
    orderSeed: UInt64? = nil, skipsDamaged: Bool = false
  ) throws {
    self.database = database
    self.transformer = transformer
    self.batchSize = batchSize
    self.seed = seed
    self.skipsDamaged = skipsDamaged
    // Reads the keys, so that the count is known after it.
    cursor = try orderSeed == nil ? database.makeCursor() : database.makeRandomCursor()
    order = try orderSeed.map { EpochPermutation(count: try database.count, seed: $0) }
    firstExtents = try Self.firstExtents(of: database, transformer, skipsDamaged: skipsDamaged)
  }

  /// What the first record becomes, or the first that can be used.
  private static func firstExtents(
    of database: any RecordDatabase, _ transformer: DataTransformer, skipsDamaged: Bool
  ) throws -> DataTransformer.Extents {
    let cursor = try database.makeCursor()
    while let first = try cursor.next({ record in
      Result {
        try withPlace("\(database.path): record '\(record.name)'") {
          try transformer.outputExtents(
            of: transformer.extents(of: DatumRecord(binary: record.value)))
        }
      }
    }) {
      if case .failure = first, skipsDamaged { continue }
      return try first.get()
    }
    throw CaffeError("no record can be used", places: [database.path])
  }

  // MARK: Reading

  /// Copies of the records of a batch.
  struct RawRecords: Sendable {
    fileprivate var names: [String] = []
    fileprivate var bytes: [UInt8] = []
    fileprivate var ends: [Int] = []

    fileprivate mutating func append(_ record: Record) {
      names.append(record.name)
      bytes += record.value
      ends.append(bytes.count)
    }

    fileprivate func datum(_ item: Int) throws -> DatumRecord {
      let start = item == 0 ? 0 : ends[item - 1]
      return try bytes.withUnsafeBytes {
        try DatumRecord(binary: UnsafeRawBufferPointer(rebasing: $0[start..<ends[item]]))
      }
    }
  }

  func gather(_ number: Int) throws -> RawRecords {
    var records = RawRecords()
    let first = number * batchSize
    let places = first..<first + batchSize
    if let order {
      try cursor.records(at: places.map { order[$0] }) { records.append($0) }
      guard records.ends.count == batchSize else {
        throw CaffeError("records are missing from this database", places: [database.path])
      }
    } else {
      for place in places {
        try seek(to: place)
        try next { records.append($0) }
      }
    }
    return records
  }

  private func seek(to target: Int) throws {
    guard target != position else { return }
    try cursor.seek(to: target % database.count)
    position = target
  }

  /// The next record; after the last one comes the first.
  private func next(_ body: (Record) -> Void) throws {
    position += 1
    if try cursor.next(body) != nil { return }
    try cursor.seek(to: 0)
    if try cursor.next(body) == nil {
      throw CaffeError("this database is empty", places: [database.path])
    }
  }

  // MARK: Making batches

  /// - Throws: naming the database and the record's key.
  func fill(_ batch: inout ImageBatch, number: Int, from records: RawRecords) throws {
    try batch.fill(skippingDamaged: skipsDamaged) { batch, item, isFirst in
      try withPlace("\(database.path): record '\(records.names[item])'") {
        let datum = try records.datum(item)
        // A batch takes its extents from its first item, and all others must have them too.
        if isFirst {
          batch.fit(try transformer.outputExtents(of: transformer.extents(of: datum)))
        }
        let draw = TransformDraw(seed: seed, pass: number, item: item)
        try batch.write(item) { try transformer.transform(datum, draw, into: $0) }
        batch.setLabels([Float(datum.label)], of: item)
      }
    }
  }
}
