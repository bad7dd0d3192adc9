import CaffeCore
import CaffeErrors
import CaffeSchema
import Foundation

/// Makes the n-th batch of a database: reads, decodes and transforms its records.
///
/// `batch` runs on one thread at a time; `recycle` may be called from another.
final class BatchReader: @unchecked Sendable {  // what threads share is guarded by `lock`
  /// Transformed images, one after the other, and their labels.
  struct Batch {
    var extents: DataTransformer.Extents
    var values: [Float]
    var labels: [Float]
  }

  let batchSize: Int
  /// What the first record becomes.
  let firstExtents: DataTransformer.Extents
  private let database: any RecordDatabase
  private let transformer: DataTransformer
  private let seed: UInt64
  private let cursor: any RecordCursor
  /// The record that `cursor` gives next, counted over all epochs.
  private var position = 0
  private let lock = NSLock()
  private var spare: [Batch] = []

  init(
    database: any RecordDatabase, transformer: DataTransformer, batchSize: Int, seed: UInt64
  ) throws {
    self.database = database
    self.transformer = transformer
    self.batchSize = batchSize
    self.seed = seed
    cursor = try database.makeCursor()
    let first = try database.makeCursor().next { record in
      try BatchReader.locate(record, in: database) {
        try transformer.outputExtents(
          of: transformer.extents(of: DatumRecord(binary: record.value)))
      }
    }
    guard let first else { throw CaffeError("this database is empty", places: [database.path]) }
    firstExtents = first
    _ = try shape(first)
  }

  func shape(_ extents: DataTransformer.Extents) throws -> Shape {
    try Shape([batchSize, extents.channels, extents.height, extents.width])
  }

  /// - Throws: naming the database and the record's key.
  func batch(_ number: Int) throws -> Batch {
    try seek(to: number * batchSize)
    var batch = takeSpare()
    for item in 0..<batchSize {
      try nextRecord { record in
        try BatchReader.locate(record, in: database) {
          let datum = try DatumRecord(binary: record.value)
          if item == 0 { try fit(&batch, datum) }
          let size = batch.extents.count
          let draw = TransformDraw(
            seed: seed, pass: position / database.count, item: position % database.count)
          try batch.values.withUnsafeMutableBufferPointer { values in
            try transformer.transform(
              datum, draw,
              into: UnsafeMutableBufferPointer(rebasing: values[item * size..<(item + 1) * size]))
          }
          batch.labels[item] = Float(datum.label)
        }
      }
      position += 1
    }
    return batch
  }

  /// Takes the memory of a batch back for a later one.
  func recycle(_ batch: Batch) {
    lock.withLock { spare.append(batch) }
  }

  private func takeSpare() -> Batch {
    lock.withLock { spare.popLast() }
      ?? Batch(
        extents: firstExtents,
        values: Array(repeating: 0, count: batchSize * firstExtents.count),
        labels: Array(repeating: 0, count: batchSize))
  }

  /// A batch takes its extents from its first item, and all others must have them too.
  private func fit(_ batch: inout Batch, _ datum: DatumRecord) throws {
    let extents = try transformer.outputExtents(of: transformer.extents(of: datum))
    if extents.count != batch.extents.count {
      batch.values = Array(repeating: 0, count: batchSize * extents.count)
    }
    batch.extents = extents
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
