import CaffeErrors
import CaffeSchema
import Foundation

/// Where `extract-features` puts the values of a blob, row by row.
package protocol FeatureSink: AnyObject {
  /// Appends rows of one shape: that which the sink was made for, or another if the format allows.
  func append(rows: Int, of rowShape: [Int], _ values: [Float]) throws
}

/// The kinds of files that features are written to.
package enum FeatureFormat: String, Sendable, CaseIterable {
  case lmdb
  case leveldb
  case hdf5

  /// One blob's features and where they go.
  package struct Target: Sendable {
    package let blob: String
    package let path: String
    /// The extents of a row: those of the blob but for the first.
    package let rowShape: [Int]

    package init(blob: String, path: String, rowShape: [Int]) {
      self.blob = blob
      self.path = path
      self.rowShape = rowShape
    }
  }

  /// Makes the files of all targets, which must not exist, of what `body` appends to their sinks, each
  /// in full or not at all.
  package func create(
    _ targets: [Target], _ body: ([any FeatureSink]) throws -> Void
  ) throws {
    try create(targets[...], [], body)
  }

  /// Opens the first target around the others.
  private func create(
    _ targets: ArraySlice<Target>, _ sinks: [any FeatureSink],
    _ body: ([any FeatureSink]) throws -> Void
  ) throws {
    guard let target = targets.first else { return try body(sinks) }
    let rest = targets.dropFirst()
    switch self {
    case .hdf5:
      try AtomicFile.checkIsNew(target.path)
      try AtomicFile.write(target.path) { temporary in
        let sink = try HDF5FeatureSink(temporary, target)
        try create(rest, sinks + [sink], body)
      }
    case .lmdb, .leveldb:
      let backend: WritableDatabase = self == .lmdb ? .lmdb : .leveldb
      try backend.create(target.path) { writer in
        try create(rest, sinks + [DatumFeatureSink(writer, target)], body)
      }
    }
  }
}

/// Writes rows as Datums of `float_data`, as Caffe does: keys `0000000000`, `0000000001`, …, a row's
/// extents as channels, height and width.
///
/// Source: BVLC Caffe, `extract_features.cpp`.
private final class DatumFeatureSink: FeatureSink {
  private let writer: any RecordWriter
  private let blob: String

  init(_ writer: any RecordWriter, _ target: FeatureFormat.Target) throws {
    self.writer = writer
    blob = target.blob
    _ = try extents(of: target.rowShape)
  }

  private func extents(of rowShape: [Int]) throws -> [Int] {
    guard rowShape.count <= 3 else {
      throw CaffeError(
        "a Datum has at most 3 axes, but blob '\(blob)' has \(rowShape.count) "
          + "besides the batch; use hdf5")
    }
    return rowShape + Array(repeating: 1, count: 3 - rowShape.count)
  }

  func append(rows: Int, of rowShape: [Int], _ values: [Float]) throws {
    let extents = try extents(of: rowShape)
    let rowCount = extents.reduce(1, *)
    precondition(values.count == rows * rowCount, "\(values.count) values for \(rows) rows")
    for row in 0..<rows {
      var datum = Datum()
      datum.channels = extents[0]
      datum.height = extents[1]
      datum.width = extents[2]
      datum.floatData = Array(values[row * rowCount..<(row + 1) * rowCount])
      try writer.put(key: String(format: "%010d", writer.count), value: datum.binary())
    }
  }
}

/// Writes rows to a dataset of the blob's name, so that HDF5Data reads it to a top of that name.
private final class HDF5FeatureSink: FeatureSink {
  private let writer: HDF5RowWriter
  private let target: FeatureFormat.Target

  init(_ path: String, _ target: FeatureFormat.Target) throws {
    self.target = target
    writer = try HDF5RowWriter(
      creating: path, datasets: [(name: target.blob, rowShape: target.rowShape)])
  }

  func append(rows: Int, of rowShape: [Int], _ values: [Float]) throws {
    guard rowShape == target.rowShape else {
      throw CaffeError(
        "the rows of blob '\(target.blob)' are \(rowShape), but the first are \(target.rowShape); "
          + "use lmdb or leveldb")
    }
    try values.withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      try writer.append(rows: rows, [start])
    }
  }
}
