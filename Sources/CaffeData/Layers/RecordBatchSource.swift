import CaffeErrors
import CaffeSchema

/// Makes the n-th batch of a database: reads, decodes and transforms its records.
final class RecordBatchSource: ImageBatchSource, @unchecked Sendable {
  // What changes belongs to the one thread that calls `fill`.

  let batchSize: Int
  let firstExtents: DataTransformer.Extents
  private let database: any RecordDatabase
  private let transformer: DataTransformer
  private let seed: UInt64
  private let cursor: any RecordCursor
  /// The record that `cursor` gives next, counted over all epochs.
  private var position = 0

  init(
    database: any RecordDatabase, transformer: DataTransformer, batchSize: Int, seed: UInt64
  ) throws {
    self.database = database
    self.transformer = transformer
    self.batchSize = batchSize
    self.seed = seed
    cursor = try database.makeCursor()
    let first = try database.makeCursor().next { record in
      try Self.locate(record, in: database) {
        try transformer.outputExtents(
          of: transformer.extents(of: DatumRecord(binary: record.value)))
      }
    }
    guard let first else { throw CaffeError("this database is empty", places: [database.path]) }
    firstExtents = first
  }

  var recordCount: Int? { get throws { try database.count } }

  /// - Throws: naming the database and the record's key.
  func fill(_ batch: inout ImageBatch, number: Int) throws {
    try seek(to: number * batchSize)
    for item in 0..<batchSize {
      try nextRecord { record in
        try Self.locate(record, in: database) {
          let datum = try DatumRecord(binary: record.value)
          // A batch takes its extents from its first item, and all others must have them too.
          if item == 0 {
            batch.fit(try transformer.outputExtents(of: transformer.extents(of: datum)))
          }
          let draw = TransformDraw(seed: seed, pass: number, item: item)
          try batch.write(item) { try transformer.transform(datum, draw, into: $0) }
          batch.labels[item] = Float(datum.label)
        }
      }
      position += 1
    }
  }

  private func seek(to target: Int) throws {
    guard target != position else { return }
    try cursor.seek(to: target % database.count)
    position = target
  }

  /// The next record; after the last one comes the first.
  private func nextRecord(_ body: (Record) throws -> Void) throws {
    if try cursor.next(body) != nil { return }
    try cursor.seek(to: 0)
    if try cursor.next(body) == nil {
      throw CaffeError("this database is empty", places: [database.path])
    }
  }

  private static func locate<Result>(
    _ record: Record, in database: any RecordDatabase, _ body: () throws -> Result
  ) throws -> Result {
    try withPlace(database.path) { try withPlace("record '\(record.name)'", body) }
  }
}
