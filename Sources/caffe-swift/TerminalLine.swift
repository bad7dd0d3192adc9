import Caffe
import Foundation
import Glibc

/// The line at the bottom of a terminal that is written over. Standard error has one at a time, so
/// that whoever writes something else there can clear it first.
enum TerminalLine {
  static let isTerminal = isatty(STDERR_FILENO) == 1

  private final class State: @unchecked Sendable {  // guarded by `lock`
    let lock = NSLock()
    var isShown = false
  }
  private static let state = State()

  /// Replaces the line; one that is too long for the terminal would not go away again and is cut by it.
  static func show(_ text: String) {
    state.lock.withLock {
      // No wrapping, first column, clear to the end, text, wrapping again.
      StandardError.write("\u{1B}[?7l\r\u{1B}[K\(text)\u{1B}[?7h")
      state.isShown = true
    }
  }

  /// Takes the line away, so that other text can be written; the next `show` brings it back.
  static func clear() {
    state.lock.withLock {
      guard state.isShown else { return }
      StandardError.write("\r\u{1B}[K")
      state.isShown = false
    }
  }

  /// Leaves the line where it is and goes on below it.
  static func finish() {
    state.lock.withLock {
      guard state.isShown else { return }
      StandardError.write("\n")
      state.isShown = false
    }
  }
}
