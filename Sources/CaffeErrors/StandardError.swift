import Glibc

/// The process's standard error, written without buffering so that a line is never torn or lost.
public enum StandardError {
  /// Writes `text` as it is; a closed or full standard error is nobody's to handle.
  public static func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var sent = 0
      while sent < bytes.count, let start = bytes.baseAddress {
        let count = Glibc.write(STDERR_FILENO, start + sent, bytes.count - sent)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return }
        sent += count
      }
    }
  }
}
