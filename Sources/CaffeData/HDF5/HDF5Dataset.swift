import CHDF5
import CaffeErrors

/// A dataset of numbers in an open file: its extents, and its values in whole or by rows.
///
/// Any integer or floating-point class is accepted and converted by the library to the type asked
/// for; an integer type asked of fractions truncates toward zero. A dataset whose header promises
/// more than the file can hold is refused before anything is allocated.
package final class HDF5Dataset: HDF5Values, @unchecked Sendable {
  // The library is used only inside HDF5Library.locked.
  package let name: String
  /// The extents, outermost first; empty for a scalar.
  package let shape: [Int]
  /// The product of the extents.
  package let count: Int
  private let file: HDF5File
  private let id: hid_t

  /// Whether the values lie in one piece, so that some cost no more than their share of all.
  let isContiguous: Bool

  init(_ name: String, of file: HDF5File) throws {
    (id, shape, count, isContiguous) = try file.locked(name) { parent in
      let id = try file.open(name, in: parent)
      do {
        let (shape, count) = try HDF5Header.examine(dataset: id, inFile: parent)
        return (id, shape, count, HDF5Header.isContiguous(id))
      } catch {
        _ = H5Oclose(id)
        throw error
      }
    }
    self.name = name
    self.file = file
  }

  deinit {
    HDF5Library.locked { _ = H5Oclose(id) }
  }

  package func read<Number: HDF5Number>(into values: UnsafeMutableBufferPointer<Number>) throws {
    precondition(values.count == count, "\(name): \(count) values into room for \(values.count)")
    guard let base = values.baseAddress, count > 0 else { return }
    try file.locked(name) { _ in
      try HDF5Library.check(
        H5Dread(id, Number.hdf5Type, 0, 0, h5_default(), base), "cannot read the values")
    }
  }

  package func read<Number: HDF5Number>(
    rows: Range<Int>, into values: UnsafeMutableBufferPointer<Number>
  ) throws {
    try read(rows: rows, into: values, toldAs: "rows \(rows)")
  }

  /// - Parameter description: what an error calls the rows.
  func read<Number: HDF5Number>(
    rows: Range<Int>, into values: UnsafeMutableBufferPointer<Number>,
    toldAs description: @autoclosure () -> String
  ) throws {
    precondition(
      !shape.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= shape[0]
        && values.count == rows.count * rowCount,
      "\(name): rows \(rows) of \(shape) into room for \(values.count)")
    guard let base = values.baseAddress, !values.isEmpty else { return }
    var start = [UInt64](repeating: 0, count: shape.count)
    start[0] = UInt64(rows.lowerBound)
    var extents = shape.map(UInt64.init)
    extents[0] = UInt64(rows.count)
    try file.locked(name) { _ in
      let window = try HDF5Library.check(H5Dget_space(id), "cannot read the extents")
      defer { _ = H5Sclose(window) }
      try HDF5Library.check(
        H5Sselect_hyperslab(window, H5S_SELECT_SET, start, nil, extents, nil),
        "cannot select rows \(rows)")
      let memory = try HDF5Library.check(
        H5Screate_simple(Int32(extents.count), extents, nil), "cannot describe rows \(rows)")
      defer { _ = H5Sclose(memory) }
      try HDF5Library.check(
        H5Dread(id, Number.hdf5Type, memory, window, h5_default(), base),
        "cannot read \(description())")
    }
  }
}

extension HDF5File {
  package func dataset(_ name: String) throws -> any HDF5Values {
    try HDF5Dataset(name, of: self)
  }
}
