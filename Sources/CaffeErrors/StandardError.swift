import Glibc

/// The process's standard error, written without buffering so that a line is never torn or lost.
public enum StandardError {
  /// Writes `text` as it is; a closed or full standard error, or whatever else is to have it, is nobody's to
  /// handle.
  public static func write(_ text: String, to descriptor: Int32 = STDERR_FILENO) {
    var text = text
    text.withUTF8 { bytes in
      var sent = 0
      while sent < bytes.count, let start = bytes.baseAddress {
        let count = Glibc.write(descriptor, start + sent, bytes.count - sent)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return }
        sent += count
      }
    }
  }
}
