import CHDF5
import CaffeErrors

/// Datasets of floats in a file of their own that get more rows again and again.
///
/// The file is complete after each `append` and closed between them, so it can be read at any time.
package final class HDF5RowWriter {
  package let path: String
  private let names: [String]
  private let rowShapes: [[Int]]
  private var rows = 0

  /// Creates the file, replacing what was there, with datasets of no rows yet.
  ///
  /// - Precondition: no row is empty.
  package init(creating path: String, datasets: [(name: String, rowShape: [Int])]) throws {
    precondition(datasets.allSatisfy { !$0.rowShape.contains(0) }, "rows have values")
    self.path = path
    names = datasets.map(\.name)
    rowShapes = datasets.map(\.rowShape)
    let blockValues = 1 << 16
    let blocks = rowShapes.map { min(1024, max(1, blockValues / $0.reduce(1, *))) }
    let file = try HDF5File(creating: path)
    for (name, (shape, block)) in zip(names, zip(rowShapes, blocks)) {
      try file.create(
        name, type: H5Tcopy(Float.hdf5Type), shape: [0] + shape, growingBy: block
      ) { _, _ in 0 }
    }
    try file.close()
  }

  /// Appends `count` rows to each dataset.
  ///
  /// - Throws: among others, that the disk is full; the file is then as it was.
  /// - Parameter values: for each dataset `count` rows in row-major order.
  package func append(rows count: Int, _ values: [UnsafePointer<Float>]) throws {
    precondition(values.count == names.count, "\(values.count) values for \(names.count) datasets")
    try withPlace(path) {
      let overlay = try HDF5Overlay(path)
      do {
        try HDF5OverlayDriver.update(overlay) { file in
          for (index, start) in values.enumerated() {
            try withPlace("'\(names[index])'") {
              try append(count, rowShapes[index], start, to: names[index], in: file)
            }
          }
        }
      } catch {
        throw overlay.failure ?? error
      }
      try overlay.commit()
    }
    rows += count
  }

  private func append(
    _ count: Int, _ rowShape: [Int], _ values: UnsafePointer<Float>, to name: String, in file: hid_t
  ) throws {
    let dataset = try HDF5Library.check(
      H5Dopen2(file, HDF5File.absolute(name), h5_default()), "cannot open this dataset")
    defer { _ = H5Dclose(dataset) }
    let row = rowShape.map(UInt64.init)
    try HDF5Library.check(
      H5Dset_extent(dataset, [UInt64(rows + count)] + row), "cannot extend this dataset")
    let space = try HDF5Library.check(H5Dget_space(dataset), "cannot read the extents")
    defer { _ = H5Sclose(space) }
    let (start, extents) = (
      [UInt64(rows)] + row.map { _ in 0 }, [UInt64(count)] + row
    )
    try HDF5Library.check(
      H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nil, extents, nil), "cannot select rows")
    let memory = try HDF5Library.check(
      H5Screate_simple(Int32(extents.count), extents, nil), "cannot describe rows")
    defer { _ = H5Sclose(memory) }
    try HDF5Library.check(
      H5Dwrite(dataset, Float.hdf5Type, memory, space, h5_default(), values),
      "cannot write these rows")
  }
}
