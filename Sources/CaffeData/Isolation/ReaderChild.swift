import CaffeErrors
import Foundation
import Glibc

/// A reader process that this one has started.
///
/// It has no descriptor but its end of the socket, hears no Ctrl-C of the terminal, and ends with this
/// process, however that ends, since the socket then closes. (`PR_SET_PDEATHSIG` would end it with the
/// thread that started it.)
final class ReaderChild: @unchecked Sendable {  // one session at a time has it, and guards it
  /// The argument by which a program sees that it is one.
  static let mark = "--read-files-for-parent-process"
  /// The descriptor of its end of the socket.
  static let descriptor: Int32 = 3

  let channel: ReaderChannel
  /// How many files it has opened.
  var filesServed = 0
  private let process: pid_t
  private var hasEnded = false

  /// Starts `program`, whose first deed is `ReaderProcess.begin()`.
  init(_ program: String) throws {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw CaffeError("cannot start a process to read this file: \(SystemFile.reason)")
    }
    channel = ReaderChannel(ends[0])
    // As much as the system allows: answers then come in fewer pieces.
    var room: Int32 = 1 << 20
    setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &room, socklen_t(MemoryLayout<Int32>.size))
    defer { close(ends[1]) }
    process = try Self.start(program, giving: ends[1])
  }

  deinit { stop() }

  private static func start(_ program: String, giving end: Int32) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, end, descriptor)
    for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var process: pid_t = -1
    let status = withStrings(["caffe-swift", mark]) { arguments in
      withStrings(environment.map { "\($0)=\($1)" }) {
        posix_spawn(&process, program, &actions, &attributes, arguments, $0)
      }
    }
    guard status == 0 else {
      throw CaffeError(
        "cannot start a process to read this file: \(program): \(String(cString: strerror(status)))"
      )
    }
    return process
  }

  /// One thread, and no report of a crash from Swift.
  private static var environment: [String: String] {
    ProcessInfo.processInfo.environment.merging(
      ["OMP_NUM_THREADS": "1", "SWIFT_BACKTRACE": "enable=no"]) { $1 }
  }

  private static func withStrings<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = texts.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
  }

  /// How the process ended, in the words of a shell: `signal 11`, `status 1`.
  struct End {
    let signal: Int32?
    let description: String
  }

  /// Waits for the end of a process that has closed its socket, or forces it.
  func end(byForce: Bool) -> End {
    hasEnded = true
    var status: Int32 = 0
    if byForce { kill(process, SIGKILL) }
    var found = waitpid(process, &status, WNOHANG)
    for _ in 0..<1000 where found == 0 {
      usleep(1000)
      found = waitpid(process, &status, WNOHANG)
    }
    while found == 0 || found < 0 && errno == EINTR {
      kill(process, SIGKILL)
      found = waitpid(process, &status, 0)
    }
    guard found == process else { return End(signal: nil, description: "it is gone") }
    let signal = status & 0x7F
    return signal == 0
      ? End(signal: nil, description: "status \(status >> 8 & 0xFF)")
      : End(signal: signal, description: "signal \(signal)")
  }

  /// Ends it without asking how.
  func stop() {
    if !hasEnded { _ = end(byForce: true) }
  }
}
