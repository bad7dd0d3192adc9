import CHDF5
import CaffeErrors

/// What the header of a dataset promises, checked before anything believes it.
///
/// A few forged bytes can claim terabytes, or name another file to be read in place of this one.
enum HDF5Header {
  /// What a dataset may hold beyond its storage: one never written, or sparse, reads as zeros.
  private static let unstoredBytes: UInt64 = 16 << 20
  /// Deflate cannot shrink anything further than this.
  private static let bestCompression: UInt64 = 1032

  /// The extents of a numeric dataset and their product.
  static func examine(dataset: hid_t, inFile file: hid_t) throws -> (shape: [Int], count: Int) {
    guard H5Iget_type(dataset) == H5I_DATASET else { throw CaffeError("this is not a dataset") }
    let type = try HDF5Library.check(H5Dget_type(dataset), "cannot read the number type")
    defer { _ = H5Tclose(type) }
    let kind = H5Tget_class(type)
    guard kind == H5T_INTEGER || kind == H5T_FLOAT else {
      throw CaffeError("this dataset holds \(name(of: kind)), not numbers")
    }
    let shape = try shape(of: dataset)
    let tooLarge = CaffeError("the extents \(shape) are more than memory can address")
    let count = try product(shape, orThrow: tooLarge)
    let bytes = try product([count, H5Tget_size(type)], orThrow: tooLarge)
    // In memory every number is at most this large.
    _ = try product([count, MemoryLayout<Double>.size], orThrow: tooLarge)
    try checkStorage(of: dataset, inFile: file, promised: UInt64(bytes), shape)
    return (shape, count)
  }

  private static func shape(of dataset: hid_t) throws -> [Int] {
    let space = try HDF5Library.check(H5Dget_space(dataset), "cannot read the extents")
    defer { _ = H5Sclose(space) }
    guard H5Sget_simple_extent_type(space) != H5S_NULL else {
      throw CaffeError("this dataset is empty: it has no extents")
    }
    let axes = try HDF5Library.check(
      H5Sget_simple_extent_ndims(space), "cannot count the extents")
    var extents = [UInt64](repeating: 0, count: Int(axes))
    try HDF5Library.check(
      H5Sget_simple_extent_dims(space, &extents, nil), "cannot read the extents")
    return try extents.map { extent in
      guard let exact = Int(exactly: extent) else {
        throw CaffeError("an extent of \(extent) is more than memory can address")
      }
      return exact
    }
  }

  /// The product of non-negative factors.
  private static func product(_ factors: [Int], orThrow error: CaffeError) throws -> Int {
    // The others are multiplied by each other, too, for the size of a row of no rows.
    let product = try factors.filter { $0 != 0 }.reduce(1) { product, factor in
      let (next, overflow) = product.multipliedReportingOverflow(by: factor)
      guard !overflow else { throw error }
      return next
    }
    return factors.contains(0) ? 0 : product
  }

  /// Refuses data kept in other files, and promises that the stored bytes cannot keep.
  private static func checkStorage(
    of dataset: hid_t, inFile file: hid_t, promised: UInt64, _ shape: [Int]
  ) throws {
    let creation = try HDF5Library.check(
      H5Dget_create_plist(dataset), "cannot read the storage layout")
    defer { _ = H5Pclose(creation) }
    let layout = H5Pget_layout(creation)
    guard layout != H5D_VIRTUAL, H5Pget_external_count(creation) <= 0 else {
      throw CaffeError("the values are kept in another file; other files are not opened")
    }
    var fileSize: UInt64 = 0
    try HDF5Library.check(H5Fget_filesize(file, &fileSize), "cannot tell the size of this file")
    let stored = min(H5Dget_storage_size(dataset), fileSize)
    let isStoredWhole = try isStoredWhole(dataset, layout, stored, fileSize: fileSize)
    let ratio = H5Pget_nfilters(creation) > 0 ? bestCompression : 1
    let (unpacked, overflow) = stored.multipliedReportingOverflow(by: ratio)
    let believable = isStoredWhole ? stored : max(overflow ? .max : unpacked, unstoredBytes)
    guard promised <= believable, chunkSize(creation, layout, shape.count) <= believable else {
      throw CaffeError(
        "the header promises \(promised) bytes in extents \(shape), "
          + "but only \(stored) bytes are stored")
    }
  }

  /// Whether all values lie in the file in one piece, which must then be inside it.
  ///
  /// The library copies from a piece inside the header without looking how long it is.
  private static func isStoredWhole(
    _ dataset: hid_t, _ layout: H5D_layout_t, _ stored: UInt64, fileSize: UInt64
  ) throws -> Bool {
    guard layout == H5D_CONTIGUOUS else { return layout == H5D_COMPACT }
    let start = UInt64(H5Dget_offset(dataset))
    // All bits are set where nothing was ever written: such values read as zeros.
    guard start != .max else { return false }
    guard start <= fileSize, stored <= fileSize - start else {
      throw CaffeError("the values lie beyond the end of this file; it is damaged or truncated")
    }
    return true
  }

  /// Whether the values lie in the file in one piece outside of the header.
  static func isContiguous(_ dataset: hid_t) -> Bool {
    let creation = H5Dget_create_plist(dataset)
    guard creation >= 0 else { return false }
    defer { _ = H5Pclose(creation) }
    return H5Pget_layout(creation) == H5D_CONTIGUOUS
  }

  /// How many values one chunk holds; reading a single value unpacks that many.
  private static func chunkSize(
    _ creation: hid_t, _ layout: H5D_layout_t, _ axes: Int
  ) -> UInt64 {
    guard layout == H5D_CHUNKED else { return 0 }
    var extents = [UInt64](repeating: 0, count: axes)
    guard H5Pget_chunk(creation, Int32(axes), &extents) >= 0 else { return 0 }
    return extents.reduce(1) { size, extent in
      let (next, overflow) = size.multipliedReportingOverflow(by: extent)
      return overflow ? .max : next
    }
  }

  private static func name(of kind: H5T_class_t) -> String {
    switch kind {
    case H5T_STRING: "text"
    case H5T_COMPOUND: "records"
    case H5T_ENUM: "an enumeration"
    case H5T_VLEN: "lists of varying length"
    default: "values of another kind"
    }
  }
}
