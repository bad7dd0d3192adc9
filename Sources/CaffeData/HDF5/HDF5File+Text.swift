import CHDF5
import CaffeErrors

/// Text and attributes: small values that are read and written at once.
extension HDF5File {
  /// Reads a dataset that holds one string, of fixed or variable length.
  package func readString(_ name: String) throws -> String {
    try locked(name) { file in
      let dataset = try open(name, in: file)
      defer { _ = H5Oclose(dataset) }
      guard H5Iget_type(dataset) == H5I_DATASET else { throw CaffeError("this is not a dataset") }
      return try Self.text(
        in: file, type: H5Dget_type(dataset), space: H5Dget_space(dataset),
        read: { H5Dread(dataset, $0, 0, 0, h5_default(), $1) })
    }
  }

  /// Writes a string as Caffe does: a scalar of fixed length, ended by a zero byte.
  package func writeString(_ name: String, _ text: String) throws {
    try create(name, type: Self.textType(for: text), shape: nil) { dataset, type in
      text.withCString { H5Dwrite(dataset, type, 0, 0, h5_default(), $0) }
    }
  }

  // MARK: Attributes

  /// The string attribute `attribute` of the object `name`, or nil if there is none.
  package func stringAttribute(_ attribute: String, of name: String) throws -> String? {
    try withAttribute(attribute, of: name) { file, id in
      try Self.text(
        in: file, type: H5Aget_type(id), space: H5Aget_space(id), read: { H5Aread(id, $0, $1) })
    }
  }

  /// The first value of the numeric attribute `attribute` of the object `name`, or nil if there is
  /// none.
  package func numberAttribute<Number: HDF5Number>(
    _ attribute: String, of name: String, as type: Number.Type = Number.self
  ) throws -> Number? {
    try withAttribute(attribute, of: name) { _, id in
      let (type, space) = (H5Aget_type(id), H5Aget_space(id))
      defer { Self.close(type: type, space: space) }
      let (kind, count) = try Self.kindAndCount(type: type, space: space)
      guard kind == H5T_INTEGER || kind == H5T_FLOAT, count == 1 else {
        throw CaffeError("this attribute is not one number")
      }
      var value = Number.zero
      try HDF5Library.check(H5Aread(id, Number.hdf5Type, &value), "cannot read this attribute")
      return value
    }
  }

  /// Gives the object `name` a string attribute.
  package func setAttribute(_ attribute: String, of name: String, to text: String) throws {
    let type = try HDF5Library.locked { try Self.textType(for: text) }
    defer { HDF5Library.locked { _ = H5Tclose(type) } }
    try text.withCString { try setAttribute(attribute, of: name, type, UnsafeRawPointer($0)) }
  }

  /// Gives the object `name` an attribute of one number.
  package func setAttribute<Number: HDF5Number>(
    _ attribute: String, of name: String, to number: Number
  ) throws {
    try withUnsafePointer(to: number) {
      try setAttribute(attribute, of: name, Number.hdf5Type, UnsafeRawPointer($0))
    }
  }

  private func setAttribute(
    _ attribute: String, of name: String, _ type: hid_t, _ value: UnsafeRawPointer
  ) throws {
    try locked(name) { file in
      let object = try open(name, in: file)
      defer { _ = H5Oclose(object) }
      let space = try HDF5Library.check(H5Screate(H5S_SCALAR), "cannot describe a scalar")
      defer { _ = H5Sclose(space) }
      let id = try HDF5Library.check(
        H5Acreate2(object, attribute, type, space, h5_default(), h5_default()),
        "cannot create attribute '\(attribute)'")
      defer { _ = H5Aclose(id) }
      try HDF5Library.check(
        H5Awrite(id, type, value), "cannot write attribute '\(attribute)'")
    }
  }

  private func withAttribute<Result>(
    _ attribute: String, of name: String, _ body: (hid_t, hid_t) throws -> Result
  ) throws -> Result? {
    try locked(name) { file in
      let object = try open(name, in: file)
      defer { _ = H5Oclose(object) }
      guard H5Aexists(object, attribute) > 0 else { return nil }
      return try withPlace("attribute '\(attribute)'") {
        let id = try HDF5Library.check(
          H5Aopen(object, attribute, h5_default()), "cannot open this attribute")
        defer { _ = H5Aclose(id) }
        return try body(file, id)
      }
    }
  }

  // MARK: Strings of both kinds

  private static func textType(for text: String) throws -> hid_t {
    let type = try HDF5Library.check(H5Tcopy(h5_c_string()), "cannot describe a string")
    _ = H5Tset_size(type, text.utf8.count + 1)
    return type
  }

  private static func kindAndCount(
    type: hid_t, space: hid_t
  ) throws -> (H5T_class_t, count: Int64) {
    try HDF5Library.check(min(type, space), "cannot read the type and extents")
    return (H5Tget_class(type), H5Sget_simple_extent_npoints(space))
  }

  private static func close(type: hid_t, space: hid_t) {
    _ = H5Tclose(type)
    _ = H5Sclose(space)
  }

  /// Reads one string; closes `type` and `space`.
  private static func text(
    in file: hid_t, type: hid_t, space: hid_t, read: (hid_t, UnsafeMutableRawPointer) -> herr_t
  ) throws -> String {
    defer { close(type: type, space: space) }
    let (kind, count) = try kindAndCount(type: type, space: space)
    guard kind == H5T_STRING, count == 1 else { throw CaffeError("this is not one string") }
    // The library converts between lengths, but not between character sets.
    let memory = try HDF5Library.check(H5Tcopy(h5_c_string()), "cannot describe a string")
    defer { _ = H5Tclose(memory) }
    _ = H5Tset_cset(memory, H5Tget_cset(type))
    if H5Tis_variable_str(type) > 0 { return try variableText(memory, read) }
    let size = H5Tget_size(type)
    var fileSize: UInt64 = 0
    guard H5Fget_filesize(file, &fileSize) >= 0, size <= fileSize else {
      throw CaffeError("the header promises a string of \(size) bytes in a file of \(fileSize)")
    }
    // One byte more than stored: the string need not end in a zero there.
    _ = H5Tset_size(memory, size + 1)
    var bytes = [UInt8](repeating: 0, count: size + 1)
    try HDF5Library.check(read(memory, &bytes), "cannot read this string")
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
  }

  private static func variableText(
    _ memory: hid_t, _ read: (hid_t, UnsafeMutableRawPointer) -> herr_t
  ) throws -> String {
    _ = H5Tset_size(memory, h5_variable_size())
    var text: UnsafeMutablePointer<CChar>?
    try HDF5Library.check(read(memory, &text), "cannot read this string")
    guard let text else { return "" }
    defer { _ = H5free_memory(text) }
    return String(cString: text)
  }
}
