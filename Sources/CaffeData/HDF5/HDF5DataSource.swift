import CaffeCore
import CaffeErrors
import CaffeSchema
import Foundation

/// Rows of the HDF5 files of a list, without end: what an HDF5Data layer reads.
///
/// The list names a file a line, relative to `folder` (the working folder if empty); blank lines do not count. Each
/// file has a dataset for each top, of any rank and number type, all with as many rows (first axis).
/// One pass over all rows of all files is an epoch; batches run across the ends of files and epochs.
///
/// Shuffled, each epoch has another order of files and of the rows in each; both are computed from
/// (seed, epoch), so any record is reached without reading those before it.
///
/// Source: BVLC Caffe, `hdf5_data_layer.cpp` (which holds whole files in memory; here only what
/// `windowBytes` allows, so files may be larger than memory).
package final class HDF5DataSource {
  /// The extents of one row of each top.
  package let rowShapes: [[Int]]
  /// How many rows an epoch has.
  package let recordCount: Int
  /// The next record, counted from the first of the first epoch.
  package private(set) var position = 0

  private let files: HDF5FileList
  private let order: EpochOrder
  private let windowBytes: Int
  private let rowBytes: Int
  private var opened: (file: Int, datasets: [any HDF5Values])?
  private var window: HDF5Window?

  /// Opens every file once to check it.
  ///
  /// - Parameters:
  ///   - tops: the names of the datasets.
  ///   - windowBytes: how much to read at once. Files up to twice as large are held whole; of larger
  ///     ones that are shuffled each row is read by itself, and large batches that are in order go
  ///     straight to their places.
  package init(
    list: String, tops: [String], folder: String = "", shuffle: Bool = false, seed: UInt64 = 0,
    windowBytes: Int = 16 << 20
  ) throws {
    files = try HDF5FileList(list, tops: tops, folder: folder)
    rowShapes = files.rowShapes
    rowBytes = max(1, rowShapes.map { $0.reduce(1, *) }.reduce(0, +) * MemoryLayout<Float>.size)
    order = EpochOrder(rowCounts: files.rowCounts, seed: shuffle ? seed : nil)
    recordCount = order.recordCount
    self.windowBytes = windowBytes
    guard recordCount > 0 else { throw CaffeError("the listed files have no rows", places: [list]) }
  }

  /// Goes to record `position`, counted from the first of the first epoch.
  package func seek(to position: Int) {
    precondition(position >= 0, "record \(position)")
    self.position = position
  }

  /// Reads the next `count` records, each top into its buffer of `count` rows.
  package func read(_ count: Int, into tops: [UnsafeMutableBufferPointer<Float>]) throws {
    precondition(tops.count == rowShapes.count, "\(tops.count) buffers for \(rowShapes.count) tops")
    var index = 0
    while index < count {
      let (file, row) = order.locate(position)
      let rows = row..<min(row + count - index, files.rowCounts[file])
      let taken: Int
      if goesStraight(rows, of: file) {
        taken = rows.count
        try read(rows, of: file, to: index, in: tops)
      } else {
        taken = 1
        let window = try window(file: file, row: row)
        for (top, buffer) in tops.enumerated() { window.copy(row, of: top, to: index, in: buffer) }
      }
      position += taken
      index += taken
    }
  }

  /// Whether to read rows to their places in a batch, without a window in between.
  private func goesStraight(_ rows: Range<Int>, of file: Int) -> Bool {
    !order.isShuffled && !isHeldWhole(file) && 4 * rows.count >= windowBytes / rowBytes
      && heldWindow(file: file, row: rows.lowerBound) == nil
  }

  private func read(
    _ rows: Range<Int>, of file: Int, to index: Int, in tops: [UnsafeMutableBufferPointer<Float>]
  ) throws {
    window = nil
    for (dataset, buffer) in zip(try datasets(of: file), tops) {
      let size = dataset.rowCount
      let places = index * size..<(index + rows.count) * size
      try dataset.read(rows: rows, into: UnsafeMutableBufferPointer(rebasing: buffer[places]))
    }
  }

  private func datasets(of file: Int) throws -> [any HDF5Values] {
    if let opened, opened.file == file { return opened.datasets }
    let datasets = try files.open(file)
    opened = (file, datasets)
    return datasets
  }

  /// The rows in memory, if they include `row` of `file`.
  private func heldWindow(file: Int, row: Int) -> HDF5Window? {
    window.flatMap { $0.file == file && $0.rows.contains(row) ? $0 : nil }
  }

  /// The rows in memory, after they include `row` of `file`.
  private func window(file: Int, row: Int) throws -> HDF5Window {
    if let held = heldWindow(file: file, row: row) { return held }
    let source = try datasets(of: file)
    let rows = rowsToRead(file: file, from: row)
    // The old rows go before the new ones come.
    window = nil
    let next = try HDF5Window(file: file, rows: rows, source: source)
    window = next
    return next
  }

  private func rowsToRead(file: Int, from row: Int) -> Range<Int> {
    let all = files.rowCounts[file]
    if isHeldWhole(file) { return 0..<all }
    if order.isShuffled { return row..<row + 1 }
    return row..<min(all, row + max(1, windowBytes / rowBytes))
  }

  private func isHeldWhole(_ file: Int) -> Bool {
    rowBytes <= 2 * windowBytes / files.rowCounts[file]
  }
}

/// The files of a list, checked to fit together.
private struct HDF5FileList {
  let tops: [String]
  let paths: [String]
  let rowCounts: [Int]
  let rowShapes: [[Int]]

  init(_ list: String, tops: [String], folder: String) throws {
    if HDF5File.isHDF5(list) {
      throw CaffeError(
        "it is an HDF5 file; the source must be a text file that names HDF5 files", places: [list])
    }
    let text = try FileBytes.read(list, limit: FileBytes.largestText)
    let paths = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
      .map { LayerContext.path($0, from: folder) }
    guard let first = paths.first else {
      throw CaffeError("the list names no HDF5 file", places: [list])
    }
    self.tops = tops
    self.paths = paths
    rowShapes = try Self.datasets(first, tops).map { Array($0.shape.dropFirst()) }
    let shapes = rowShapes
    rowCounts = try paths.map { path in
      let datasets = try Self.datasets(path, tops)
      for (dataset, shape) in zip(datasets, shapes)
      where Array(dataset.shape.dropFirst()) != shape {
        throw CaffeError(
          "the rows of '\(dataset.name)' are \(Array(dataset.shape.dropFirst())), "
            + "but \(shape) in \(first)", places: [path])
      }
      return datasets.first?.shape[0] ?? 0
    }
  }

  /// The datasets of a file, which is as it was when the list was checked.
  func open(_ file: Int) throws -> [any HDF5Values] {
    let datasets = try Self.datasets(paths[file], tops)
    let shapes = rowShapes.map { [rowCounts[file]] + $0 }
    guard datasets.map(\.shape) == shapes else {
      throw CaffeError("this file has changed since training began", places: [paths[file]])
    }
    return datasets
  }

  private static func datasets(_ path: String, _ tops: [String]) throws -> [any HDF5Values] {
    let file = try HDF5File.open(path)
    let datasets = try tops.map { try file.dataset($0) }
    for dataset in datasets {
      guard let rows = dataset.shape.first else {
        throw CaffeError("'\(dataset.name)' is a single number; rows are wanted", places: [path])
      }
      guard let first = datasets.first, rows == first.shape[0] else {
        throw CaffeError(
          "'\(dataset.name)' has \(rows) rows, but '\(datasets[0].name)' \(datasets[0].shape[0])",
          places: [path])
      }
    }
    return datasets
  }
}

/// Consecutive rows of one file, in memory.
private struct HDF5Window {
  let file: Int
  let rows: Range<Int>
  private let source: [any HDF5Values]
  private let values: [[Float]]

  init(file: Int, rows: Range<Int>, source: [any HDF5Values]) throws {
    self.file = file
    self.rows = rows
    self.source = source
    values = try source.map { dataset in
      let count = rows.count * dataset.rowCount
      return try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
        try dataset.read(
          rows: rows, into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
        initialized = count
      }
    }
  }

  /// Copies a row of this window to row `index` of a batch.
  func copy(
    _ row: Int, of top: Int, to index: Int, in buffer: UnsafeMutableBufferPointer<Float>
  ) {
    let size = source[top].rowCount
    let start = (row - rows.lowerBound) * size
    let target = UnsafeMutableBufferPointer(rebasing: buffer[index * size..<(index + 1) * size])
    _ = target.update(fromContentsOf: values[top][start..<start + size])
  }
}
