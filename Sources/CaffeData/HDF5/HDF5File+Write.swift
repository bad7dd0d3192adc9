import CHDF5
import CaffeErrors

/// Writing, with the layout that Caffe's snapshots have: contiguous little-endian arrays, one-number
/// values as arrays of one. Files of equal content are equal byte for byte: no times are stored.
extension HDF5File {
  /// Creates a group and the groups before it in its path; one that is there already is an error.
  package func createGroup(_ name: String) throws {
    try locked(name) { file in
      let group = try Self.withIntermediateGroups { links in
        try HDF5Library.check(
          H5Gcreate2(file, Self.absolute(name), links, h5_default(), h5_default()),
          "cannot create this group")
      }
      _ = H5Gclose(group)
    }
  }

  /// Writes a dataset of `shape` in row-major order, creating the groups of its path.
  package func write<Number: HDF5Number>(
    _ name: String, _ values: UnsafeBufferPointer<Number>, shape: [Int]
  ) throws {
    precondition(
      shape.reduce(1, *) == values.count, "\(name): \(values.count) values for \(shape)")
    let type = HDF5Library.locked { H5Tcopy(Number.hdf5Type) }
    try create(name, type: type, shape: shape) { dataset, type in
      guard let base = values.baseAddress else { return 0 }
      return H5Dwrite(dataset, type, 0, 0, h5_default(), base)
    }
  }

  /// Writes a dataset of `shape` in row-major order, creating the groups of its path.
  package func write<Number: HDF5Number>(
    _ name: String, _ values: [Number], shape: [Int]
  ) throws {
    try values.withUnsafeBufferPointer { try write(name, $0, shape: shape) }
  }

  /// Writes one number, as Caffe does: an array of one.
  package func write<Number: HDF5Number>(_ name: String, _ value: Number) throws {
    try write(name, [value], shape: [1])
  }

  /// Creates a dataset (a scalar if there is no shape) and lets `fill` write it.
  ///
  /// - Parameter growingBy: the dataset may get more rows later and is stored in blocks of so many.
  func create(
    _ name: String, type makeType: @autoclosure () throws -> hid_t, shape: [Int]?,
    growingBy block: Int? = nil, fill: (_ dataset: hid_t, _ type: hid_t) -> herr_t
  ) throws {
    try locked(name) { file in
      let type = try HDF5Library.check(makeType(), "cannot describe the values")
      defer { _ = H5Tclose(type) }
      let extents = shape?.map(UInt64.init)
      let limits = block == nil ? extents : extents.map { [h5_unlimited()] + $0.dropFirst() }
      let space = try HDF5Library.check(
        extents.map { H5Screate_simple(Int32($0.count), $0, limits) } ?? H5Screate(H5S_SCALAR),
        "cannot describe the extents")
      defer { _ = H5Sclose(space) }
      let creation = try HDF5Library.check(
        H5Pcreate(h5_dataset_creation()), "cannot create a property list")
      defer { _ = H5Pclose(creation) }
      try HDF5Library.check(
        H5Pset_obj_track_times(creation, false), "cannot leave times out")
      if let block, let extents {
        let chunk = [UInt64(block)] + extents.dropFirst()
        try HDF5Library.check(
          H5Pset_chunk(creation, Int32(chunk.count), chunk), "cannot store the values in blocks")
      }
      let dataset = try Self.withIntermediateGroups { links in
        try HDF5Library.check(
          H5Dcreate2(file, Self.absolute(name), type, space, links, creation, h5_default()),
          "cannot create this dataset")
      }
      defer { _ = H5Dclose(dataset) }
      try HDF5Library.check(fill(dataset, type), "cannot write this dataset")
    }
  }

  private static func withIntermediateGroups<Result>(
    _ body: (hid_t) throws -> Result
  ) throws -> Result {
    let links = try HDF5Library.check(
      H5Pcreate(h5_link_creation()), "cannot create a property list")
    defer { _ = H5Pclose(links) }
    try HDF5Library.check(
      H5Pset_create_intermediate_group(links, 1), "cannot ask for the groups of a path")
    return try body(links)
  }
}
