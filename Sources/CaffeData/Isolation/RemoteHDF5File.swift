import CaffeErrors

/// An HDF5 file that a reader process has open. What it says is what `HDF5File` says there.
package final class RemoteHDF5File: HDF5Reading {
  package let path: String
  private let session: ReaderSession

  /// - Parameter program: the reader runs it, and has this file only.
  package init(_ path: String, program: String? = nil) throws {
    self.path = path
    session = try ReaderSession(path, library: "libhdf5", program: program)
    _ = try session.call(.openHDF5) { $0.put(path) }
  }

  package func exists(_ name: String) throws -> Bool {
    try tell(.exists, name) { try $0.number() } != 0
  }

  package func children(of group: String) throws -> [String] {
    try tell(.children, group) { try $0.texts() }
  }

  package func isGroup(_ name: String) throws -> Bool {
    try tell(.isGroup, name) { try $0.number() } != 0
  }

  package func readString(_ name: String) throws -> String {
    try tell(.text, name) { try $0.text() }
  }

  package func dataset(_ name: String) throws -> any HDF5Values {
    try tell(.openDataset, name) {
      try RemoteHDF5Dataset(
        name: name, handle: try $0.number(), shape: try $0.numbers(), session: session)
    }
  }

  private func tell<Result>(
    _ request: ReaderRequest, _ name: String, _ decode: (inout ReaderMessage) throws -> Result
  ) throws -> Result {
    var answer = try session.call(request) { $0.put(name) }
    return try session.decode { try decode(&answer) }
  }
}

private final class RemoteHDF5Dataset: HDF5Values {
  let name: String
  let shape: [Int]
  let count: Int
  private let handle: Int
  private let session: ReaderSession

  /// - Throws: `ReaderFailure.nonsense` for extents that the reader should have refused.
  init(name: String, handle: Int, shape: [Int], session: ReaderSession) throws {
    var size = MemoryLayout<Double>.size
    for extent in shape where extent != 0 {
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      guard extent > 0, !overflow else { throw ReaderFailure.nonsense }
      size = product
    }
    self.name = name
    self.shape = shape
    self.count = shape.reduce(1, *)
    self.handle = handle
    self.session = session
  }

  deinit { _ = try? session.call(.drop) { $0.put(handle) } }

  func read<Number: HDF5Number>(into values: UnsafeMutableBufferPointer<Number>) throws {
    precondition(values.count == count, "\(name): \(count) values into room for \(values.count)")
    try read(0..<(shape.first ?? 1), values)
  }

  func read<Number: HDF5Number>(
    rows: Range<Int>, into values: UnsafeMutableBufferPointer<Number>
  ) throws {
    precondition(
      !shape.isEmpty && rows.lowerBound >= 0 && rows.upperBound <= shape[0]
        && values.count == rows.count * rowCount,
      "\(name): rows \(rows) of \(shape) into room for \(values.count)")
    try read(rows, values)
  }

  private func read<Number: HDF5Number>(
    _ rows: Range<Int>, _ values: UnsafeMutableBufferPointer<Number>
  ) throws {
    guard !values.isEmpty else { return }
    try session.call(.readValues, into: UnsafeMutableRawBufferPointer(values)) {
      $0.put(handle)
      $0.put(Number.hdf5NumberType.rawValue)
      $0.put(rows.lowerBound)
      $0.put(rows.upperBound)
    }
  }
}
