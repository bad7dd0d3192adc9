import CHDF5
import CaffeErrors
import Foundation

/// An HDF5 file, open for reading or newly created.
///
/// Objects are named by path, `data/ip1/0`, with or without a leading `/`; `""` and `/` are the
/// root group. Links that lead out of the file are never followed. Every error names the file and
/// the object. May be used from several threads; calls run one at a time.
///
/// Source: the HDF5 1.10 reference manual, and the files Caffe writes with it.
package final class HDF5File: HDF5Reading, @unchecked Sendable {
  // State changes only inside HDF5Library.locked.
  package let path: String
  private var id: hid_t
  /// Where a created file goes to.
  private let destination: SystemFile?

  /// Whether the file exists and begins like an HDF5 file, whatever its name.
  package static func isHDF5(_ path: String) -> Bool {
    HDF5Library.locked { H5Fis_hdf5(path) > 0 }
  }

  /// Opens an existing file for reading only, where the program wants such files read: see
  /// `ReaderProcess`.
  package static func open(_ path: String) throws -> any HDF5Reading {
    ReaderProcess.isUsed ? try RemoteHDF5File(path) : try HDF5File(reading: path)
  }

  /// Opens an existing file for reading only, in this process.
  package init(reading path: String) throws {
    self.path = path
    destination = nil
    id = try withPlace(path) {
      _ = try SystemFile(reading: path)
      guard Self.isHDF5(path) else { throw CaffeError("this is not an HDF5 file") }
      return try HDF5Library.locked {
        try HDF5Library.check(h5_open_for_reading(path), "cannot open this HDF5 file")
      }
    }
  }

  /// Creates a file, replacing what was there. It is put together in memory and written by
  /// `close`: libhdf5 1.10 can crash when the disk fills up under it. For a file that must never be
  /// half-written, create it inside `AtomicFile.write`.
  package init(creating path: String) throws {
    self.path = path
    let growth = 1 << 20
    do {
      destination = try SystemFile(creating: path)
      id = try HDF5Library.locked {
        let access = try HDF5Library.check(
          H5Pcreate(h5_file_access()), "cannot create a property list")
        defer { _ = H5Pclose(access) }
        try HDF5Library.check(H5Pset_fapl_core(access, growth, false), "cannot work in memory")
        // The library looks whether the name exists and whether it has it open: neither, ever.
        let name = "/dev/null/\(UUID().uuidString)"
        return try HDF5Library.check(
          h5_create_truncating(name, access), "cannot create this HDF5 file")
      }
    } catch let error as CaffeError {
      throw error.within(path)
    }
  }

  deinit {
    HDF5Library.locked { if id >= 0 { _ = H5Fclose(id) } }
  }

  /// Closes the file; a created one after everything has reached the disk. A writer that skips
  /// this leaves an empty file.
  package func close() throws {
    try locked("") { file in
      id = -1
      defer { _ = H5Fclose(file) }
      guard destination != nil else { return }
      try HDF5Library.check(H5Fflush(file, H5F_SCOPE_GLOBAL), "cannot complete this file")
      let size = try HDF5Library.check(H5Fget_file_image(file, nil, 0), "cannot size this file")
      var image: UnsafeMutableRawPointer?
      try HDF5Library.check(
        H5Fget_vfd_handle(file, h5_default(), &image), "cannot reach this file's image")
      let start = image?.load(as: UnsafeRawPointer?.self)
      try destination?.write(UnsafeRawBufferPointer(start: start, count: size))
      try destination?.synchronize()
    }
  }

  // MARK: Finding objects

  /// Whether there is a group or dataset of this name; a link to another file counts as absent.
  package func exists(_ name: String) -> Bool {
    let kind = try? locked(name) { file in
      try Self.stayingInside { Self.link(to: name, in: file, $0) }
    }
    return kind == h5_link_here
  }

  /// The names of what a group holds, in natural order: `conv2` before `conv10`.
  package func children(of group: String) throws -> [String] {
    try locked(group) { file in
      let object = try open(group, in: file)
      defer { _ = H5Oclose(object) }
      guard H5Iget_type(object) == H5I_GROUP else {
        throw CaffeError("this is not a group")
      }
      var names: [String] = []
      let status = withUnsafeMutablePointer(to: &names) { pointer in
        h5_each_name(
          object,
          { name, context in
            guard let name, let into = context?.assumingMemoryBound(to: [String].self) else {
              return
            }
            into.pointee.append(String(cString: name))
          }, pointer)
      }
      try HDF5Library.check(status, "cannot list this group")
      return names.sorted { $0.compare($1, options: .numeric) == .orderedAscending }
    }
  }

  /// Whether the object of this name is a group (else it is a dataset).
  package func isGroup(_ name: String) throws -> Bool {
    try locked(name) { file in
      let object = try open(name, in: file)
      defer { _ = H5Oclose(object) }
      return H5Iget_type(object) == H5I_GROUP
    }
  }

  // MARK: For the other files of this folder; all run inside the lock

  /// Runs `body` in the library's lock with the identifier of this file; errors leave it with the
  /// names of file and object.
  @discardableResult
  func locked<Result>(_ name: String, _ body: (hid_t) throws -> Result) throws -> Result {
    let object = Self.absolute(name).dropFirst()
    return try HDF5Library.locked {
      try withPlace(path) {
        guard id >= 0 else { throw CaffeError("this file is closed already") }
        guard !object.isEmpty else { return try body(id) }
        return try withPlace("'\(object)'") { try body(id) }
      }
    }
  }

  /// Opens a group or dataset, following links inside the file only. The caller closes it.
  func open(_ name: String, in file: hid_t) throws -> hid_t {
    try Self.stayingInside { access in
      switch Self.link(to: name, in: file, access) {
      case h5_link_none: throw CaffeError("there is no such object")
      case h5_link_elsewhere:
        throw CaffeError("this is a link to another file; such links are not followed")
      default:
        return try HDF5Library.check(
          H5Oopen(file, Self.absolute(name), access), "cannot open this object")
      }
    }
  }

  /// The name from the root, with one slash before each part.
  static func absolute(_ name: String) -> String {
    "/" + name.split(separator: "/").joined(separator: "/")
  }

  /// Where the last link of the path leads, each one before it checked to stay in the file.
  private static func link(to name: String, in file: hid_t, _ access: hid_t) -> h5_link {
    var prefix = ""
    for component in name.split(separator: "/") {
      prefix += "/" + component
      let kind = h5_link_kind(file, prefix, access)
      guard kind == h5_link_here else { return kind }
    }
    return h5_link_here
  }

  /// Hands out a link access list that refuses to traverse external links, also behind soft ones.
  private static func stayingInside<Result>(_ body: (hid_t) throws -> Result) throws -> Result {
    let access = try HDF5Library.check(
      H5Pcreate(h5_link_access()), "cannot create a property list")
    defer { _ = H5Pclose(access) }
    let refuse: H5L_elink_traverse_t = { _, _, _, _, _, _, _ in -1 }
    try HDF5Library.check(H5Pset_elink_cb(access, refuse, nil), "cannot refuse external links")
    return try body(access)
  }
}
