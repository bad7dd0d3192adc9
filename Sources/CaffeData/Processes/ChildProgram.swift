import CaffeErrors
import Foundation
import Glibc

/// A program that this one has started and waits for.
///
/// By `posix_spawn` alone: Foundation's `Process` wants a thread, and waits for it forever where the
/// system grants none.
package struct ChildProgram: Sendable {
  private let process: pid_t

  /// How a program ended.
  package struct End: Sendable {
    package let status: Int32?
    package let signal: Int32?
    /// In the words of a shell: `signal 11`, `status 1`.
    package let description: String
  }

  /// Starts a program with all signals as they are by default.
  ///
  /// - Parameters:
  ///   - descriptors: those of ours that it gets, and under which numbers; of its standard streams those
  ///     that are not among them lead nowhere.
  ///   - isInGroupOfItsOwn: whether it hears no Ctrl-C of the terminal.
  /// - Throws: the system's reason.
  package init(
    _ program: String, _ arguments: [String], name: String, environment: [String: String],
    descriptors: [(ours: Int32, its: Int32)], isInGroupOfItsOwn: Bool = false
  ) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (ours, its) in descriptors { posix_spawn_file_actions_adddup2(&actions, ours, its) }
    for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where !descriptors.contains(where: { $0.its == stream }) {
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
    let flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
    posix_spawnattr_setflags(
      &attributes, Int16(isInGroupOfItsOwn ? flags | POSIX_SPAWN_SETPGROUP : flags))
    var process: pid_t = -1
    let status = Self.withStrings([name] + arguments) { arguments in
      Self.withStrings(environment.map { "\($0)=\($1)" }) {
        posix_spawn(&process, program, &actions, &attributes, arguments, $0)
      }
    }
    guard status == 0 else { throw CaffeError(String(cString: strerror(status))) }
    self.process = process
  }

  private static func withStrings<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let copies = texts.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
  }

  /// Waits for its end; to be called once.
  ///
  /// - Parameter seconds: after which it is killed; `nil` for never.
  package func end(within seconds: Double? = nil) -> End {
    var status: Int32 = 0
    var found: pid_t = 0
    if let seconds {
      for _ in 0...Int(seconds * 1000) {
        found = waitpid(process, &status, WNOHANG)
        if found != 0 { break }
        usleep(1000)
      }
      if found == 0 { kill(process, SIGKILL) }
    }
    while found == 0 || found < 0 && errno == EINTR { found = waitpid(process, &status, 0) }
    guard found == process else { return End(status: nil, signal: nil, description: "it is gone") }
    let signal = status & 0x7F
    guard signal == 0 else {
      return End(status: nil, signal: signal, description: "signal \(signal)")
    }
    let code = status >> 8 & 0xFF
    return End(status: code, signal: nil, description: "status \(code)")
  }
}
