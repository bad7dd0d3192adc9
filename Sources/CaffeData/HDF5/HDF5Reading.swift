/// An HDF5 file that is open for reading: in this process (`HDF5File`), or in one of its own.
package protocol HDF5Reading: AnyObject, Sendable {
  var path: String { get }
  /// Whether there is a group or dataset of this name; a link to another file counts as absent.
  func exists(_ name: String) throws -> Bool
  /// The names of what a group holds, in natural order: `conv2` before `conv10`.
  func children(of group: String) throws -> [String]
  /// Whether the object of this name is a group (else it is a dataset).
  func isGroup(_ name: String) throws -> Bool
  /// A dataset that holds one string, of fixed or variable length.
  func readString(_ name: String) throws -> String
  /// Opens a dataset of numbers.
  func dataset(_ name: String) throws -> any HDF5Values
}

/// An open dataset of numbers: its extents, and its values in whole or by rows.
package protocol HDF5Values: AnyObject, Sendable {
  var name: String { get }
  /// The extents, outermost first; empty for a scalar.
  var shape: [Int] { get }
  /// The product of the extents.
  var count: Int { get }
  /// All values, in row-major order, into a buffer of exactly `count`.
  func read<Number: HDF5Number>(into values: UnsafeMutableBufferPointer<Number>) throws
  /// The rows `rows` of the first axis, into a buffer of exactly `rows.count × rowCount`.
  func read<Number: HDF5Number>(
    rows: Range<Int>, into values: UnsafeMutableBufferPointer<Number>
  ) throws
}

extension HDF5Values {
  /// How many values one row holds: the product of all extents but the first.
  package var rowCount: Int { shape.dropFirst().reduce(1, *) }

  /// All values, in row-major order.
  package func read<Number: HDF5Number>(as type: Number.Type = Number.self) throws -> [Number] {
    var values = [Number](repeating: .zero, count: count)
    try values.withUnsafeMutableBufferPointer { try read(into: $0) }
    return values
  }
}

extension HDF5Reading {
  /// Reads a whole dataset of numbers with its extents.
  package func read<Number: HDF5Number>(
    _ name: String, as type: Number.Type = Number.self
  ) throws -> HDF5Array<Number> {
    let dataset = try dataset(name)
    return HDF5Array(shape: dataset.shape, values: try dataset.read())
  }
}
