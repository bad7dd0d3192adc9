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
  private let process: ChildProgram
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
    do {
      process = try ChildProgram(
        program, [Self.mark], name: "caffe-swift", environment: Self.environment,
        descriptors: [(ends[1], Self.descriptor)], isInGroupOfItsOwn: true)
    } catch {
      throw CaffeError("cannot start a process to read this file: \(program): \(error)")
    }
  }

  deinit { stop() }

  /// One thread, and no report of a crash from Swift.
  private static var environment: [String: String] {
    ProcessInfo.processInfo.environment.merging(
      ["OMP_NUM_THREADS": "1", "SWIFT_BACKTRACE": "enable=no"]) { $1 }
  }

  /// Waits for the end of a process that has closed its socket, or forces it.
  func end(byForce: Bool) -> ChildProgram.End {
    hasEnded = true
    return process.end(within: byForce ? 0 : 1)
  }

  /// Ends it without asking how.
  func stop() {
    if !hasEnded { _ = end(byForce: true) }
  }
}
