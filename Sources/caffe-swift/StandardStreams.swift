import Caffe
@preconcurrency import Glibc  // its `stdout` is a variable

/// The program's standard input, output and error.
enum StandardStreams {
  /// Opens `/dev/null` in place of those that are closed: the next file that is opened would get the
  /// number, and all that is printed with it.
  ///
  /// To be called before anything is opened.
  static func prepare() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(descriptor, F_GETFD) < 0 {
      // The system gives the lowest number that is free.
      _ = open("/dev/null", O_RDWR)
    }
  }

  /// Sends off what has been printed; if its reader has gone, ends the program as SIGPIPE does.
  ///
  /// - Throws: if not all of it could be written.
  static func finish() throws {
    let isWhole = ferror(stdout) == 0
    guard fflush(stdout) == 0, isWhole else {
      let reason = errno
      if reason == EPIPE { Interruption.end(by: SIGPIPE) }
      throw CaffeError("cannot write standard output: \(String(cString: strerror(reason)))")
    }
  }
}
