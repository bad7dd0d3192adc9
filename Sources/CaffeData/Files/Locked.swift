import Foundation

/// A value that one thread at a time may look at. Behind a `NSLock`, since the thread sanitizer does not see
/// where threads meet at a `Mutex`.
final class Locked<Value>: @unchecked Sendable {  // `value` is guarded by `lock`
  private let lock = NSLock()
  private var value: Value

  init(_ value: Value) { self.value = value }

  func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    try lock.withLock { try body(&value) }
  }
}
