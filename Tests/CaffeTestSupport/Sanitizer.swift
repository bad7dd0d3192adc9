import Foundation

/// The address or thread sanitizer, if the tests run under one; `scripts/sanitize` says which.
///
/// Under it everything takes several times as long, and memory comes from its own allocator, which
/// reserves terabytes of addresses.
public enum Sanitizer {
  /// `address` or `thread`; `nil` without one.
  public static let name = ProcessInfo.processInfo.environment["CAFFE_SANITIZER"]

  public static var isOn: Bool { name != nil }

  /// How much longer to wait where a program is to get some way in a time.
  public static let delay: UInt32 = isOn ? 10 : 1
}
