import CHDF5
import CaffeErrors
import Glibc

/// The virtual file driver by which libhdf5 works on a `HDF5Overlay`.
enum HDF5OverlayDriver {
  /// What the library takes for an open file of this driver.
  private struct OpenFile {
    var head = H5FD_t()
    let overlay: Unmanaged<HDF5Overlay>
  }

  /// The library's number of the driver; negative if it does not take it.
  private static let id: hid_t = {
    var driver = H5FD_class_t()
    driver.name = UnsafePointer(strdup("caffe-swift"))
    driver.maxaddr = UInt(Int.max)
    driver.fc_degree = H5F_CLOSE_WEAK
    driver.fapl_size = MemoryLayout<Unmanaged<HDF5Overlay>>.size
    driver.open = { _, _, access, _ in HDF5OverlayDriver.open(access) }
    driver.close = { file in
      file?.withMemoryRebound(to: OpenFile.self, capacity: 1) { $0.deallocate() }
      return 0
    }
    driver.query = { _, flags in
      flags?.pointee = UInt(
        H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA_WRITE
          | H5FD_FEAT_ACCUMULATE_METADATA_READ | H5FD_FEAT_DATA_SIEVE
          | H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE)
      return 0
    }
    driver.get_eoa = { file, _ in UInt(overlay(file)?.allocatedSize ?? 0) }
    driver.set_eoa = { file, _, end in
      overlay(file)?.allocatedSize = UInt64(end)
      return 0
    }
    driver.get_eof = { file, _ in UInt(overlay(file)?.size ?? 0) }
    driver.read = { file, _, _, place, count, buffer in
      guard let overlay = overlay(file), let start = Int(exactly: place) else { return -1 }
      let room = UnsafeMutableRawBufferPointer(start: buffer, count: count)
      return overlay.read(at: start, into: room) ? 0 : -1
    }
    driver.write = { file, _, _, place, count, content in
      guard let overlay = overlay(file), let start = Int(exactly: place) else { return -1 }
      overlay.write(at: start, UnsafeRawBufferPointer(start: content, count: count))
      return 0
    }
    driver.truncate = { file, _, _ in
      overlay(file)?.truncate()
      return 0
    }
    return H5FDregister(&driver)
  }()

  private static func overlay(_ file: UnsafePointer<H5FD_t>?) -> HDF5Overlay? {
    file?.withMemoryRebound(to: OpenFile.self, capacity: 1) { $0.pointee.overlay }
      .takeUnretainedValue()
  }

  private static func overlay(_ file: UnsafeMutablePointer<H5FD_t>?) -> HDF5Overlay? {
    overlay(UnsafePointer(file))
  }

  private static func open(_ access: hid_t) -> UnsafeMutablePointer<H5FD_t>? {
    guard let info = H5Pget_driver_info(access) else { return nil }
    let file = UnsafeMutablePointer<OpenFile>.allocate(capacity: 1)
    file.initialize(to: OpenFile(overlay: info.load(as: Unmanaged<HDF5Overlay>.self)))
    return UnsafeMutableRawPointer(file).assumingMemoryBound(to: H5FD_t.self)
  }

  /// Lets `body` change the file behind `overlay`, and closes it.
  static func update(_ overlay: HDF5Overlay, _ body: (_ file: hid_t) throws -> Void) throws {
    try HDF5Library.locked {
      let access = try HDF5Library.check(
        H5Pcreate(h5_file_access()), "cannot create a property list")
      defer { _ = H5Pclose(access) }
      var info = Unmanaged.passUnretained(overlay)
      try HDF5Library.check(
        H5Pset_driver(access, HDF5Library.check(id, "cannot work in memory"), &info),
        "cannot work in memory")
      let file = try HDF5Library.check(
        h5_open_for_writing("overlay", access), "cannot open this HDF5 file")
      do {
        try body(file)
      } catch {
        _ = H5Fclose(file)
        throw error
      }
      try HDF5Library.check(H5Fclose(file), "cannot complete this file")
    }
  }
}
