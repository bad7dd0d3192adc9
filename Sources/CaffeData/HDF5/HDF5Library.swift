import CHDF5
import CaffeErrors
import Foundation

/// The one door to libhdf5.
///
/// The library keeps global state and is built without thread safety on many systems, so every
/// call in this process goes through `locked`. The lock is recursive because a handle may be
/// released, and so closed, while another call is under way.
package enum HDF5Library {
  private static let lock = NSRecursiveLock()

  /// Keeps the library from closing what is open when the process ends. We close all files ourselves, and
  /// after a request for memory that was not granted it fails at that, which it tells on standard error.
  ///
  /// For programs that use HDF5 through us alone, before anything else here.
  package static func closesNothingAtExit() {
    _ = H5dont_atexit()
  }

  /// Runs `body` alone, with the library's own printing of errors to stderr switched off; a
  /// caller who prints them for his own use of HDF5 finds his setting back afterwards.
  static func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    var printing: H5E_auto2_t?
    var context: UnsafeMutableRawPointer?
    _ = h5_get_error_printing(&printing, &context)
    _ = h5_set_error_printing(nil, nil)
    defer {
      // Errors left on the stack of a thread keep the library from closing at exit.
      _ = h5_clear_errors()
      _ = h5_set_error_printing(printing, context)
    }
    return try body()
  }

  /// Why the last call failed: the system's reason if there is one (`No space left on device`),
  /// else the library's innermost message.
  static func reason() -> String {
    var description = ""
    withUnsafeMutablePointer(to: &description) { pointer in
      _ = h5_walk_errors_innermost_first(
        { number, error, context in
          if number == 0, let text = error?.pointee.desc,
            let into = context?.assumingMemoryBound(to: String.self)
          {
            into.pointee = String(cString: text)
          }
          return 0
        }, pointer)
    }
    let system = description.components(separatedBy: "error message = '")
    if system.count > 1, let end = system[1].firstIndex(of: "'") {
      return String(system[1][..<end])
    }
    return description.isEmpty ? "HDF5 gives no reason" : "HDF5 says: \(description)"
  }

  /// Checks a status or identifier: negative means failure. An identifier is the caller's to close.
  @discardableResult
  static func check<Status: SignedInteger>(
    _ status: Status, _ failed: @autoclosure () -> String
  ) throws -> Status {
    guard status >= 0 else { throw CaffeError("\(failed()): \(reason())") }
    return status
  }
}

/// A number type that HDF5 converts to and from.
package protocol HDF5Number: BitwiseCopyable {
  /// The library's identifier for this type in memory.
  static var hdf5Type: Int64 { get }
  static var hdf5NumberType: HDF5NumberType { get }
  static var zero: Self { get }
}

/// The number types, as one process names them to another.
package enum HDF5NumberType: Int {
  case float, double, int32, int64

  var size: Int { self == .float || self == .int32 ? 4 : 8 }
}

extension Float: HDF5Number {
  package static var hdf5NumberType: HDF5NumberType { .float }
  package static var hdf5Type: Int64 { h5_native_float() }
}
extension Double: HDF5Number {
  package static var hdf5NumberType: HDF5NumberType { .double }
  package static var hdf5Type: Int64 { h5_native_double() }
}
extension Int32: HDF5Number {
  package static var hdf5NumberType: HDF5NumberType { .int32 }
  package static var hdf5Type: Int64 { h5_native_int32() }
}
extension Int64: HDF5Number {
  package static var hdf5NumberType: HDF5NumberType { .int64 }
  package static var hdf5Type: Int64 { h5_native_int64() }
}

/// Numbers in row-major order with their extents; a scalar has none.
package struct HDF5Array<Number: HDF5Number> {
  package var shape: [Int]
  package var values: [Number]
}
