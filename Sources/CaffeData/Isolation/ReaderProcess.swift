import CaffeErrors
import Foundation

/// HDF5 files, LMDB and LevelDB databases are read in processes of their own, if the program wants it:
/// libhdf5, liblmdb and libleveldb may crash over a file that is damaged or forged. What would have ended
/// the program is then an error of one sentence.
///
/// A program says so with `begin()`. One that does not reads such files in its own process.
public enum ReaderProcess {
  private struct State {
    var program: String?
    var idle: [ReaderChild] = []
  }
  private static let state = Locked(State())
  /// More than these are not kept for the files to come.
  private static let mostIdle = 4
  /// What a library does not give back ends with the process.
  private static let mostFiles = 500

  /// To be called first in `main`, with nothing but the standard streams open. If this process was started
  /// to read files for another, that is what it does, and the call never returns. Otherwise such files will
  /// be read in processes that run this same program.
  public static func begin() {
    if CommandLine.arguments.dropFirst() == [ReaderChild.mark] { ReaderService.run() }
    use(program: ownProgram)
  }

  /// The program that runs: by a name that stays when the file gets another, but which is valgrind's under
  /// valgrind.
  private static var ownProgram: String {
    let link = "/proc/self/exe"
    guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else {
      return link
    }
    var (running, named) = (stat(), stat())
    guard stat(link, &running) == 0, stat(target, &named) == 0 else { return link }
    let isSame = running.st_dev == named.st_dev && running.st_ino == named.st_ino
    return isSame ? link : target
  }

  /// Reads in processes that run `program`, which calls `begin()`; from now on, nil: in this process.
  package static func use(program: String?) {
    state.withLock {
      $0.program = program
      $0.idle = []
    }
  }

  package static var isUsed: Bool { state.withLock { $0.program != nil } }

  /// A reader that has no file open.
  static func take() throws -> ReaderChild {
    let (program, idle) = state.withLock { state in
      while let child = state.idle.popLast() {
        if child.channel.isConnected { return (state.program, child as ReaderChild?) }
      }
      return (state.program, nil)
    }
    if let idle { return idle }
    return try ReaderChild(program ?? ownProgram)
  }

  /// Takes back one that has no file open any more.
  static func giveBack(_ child: ReaderChild) {
    guard child.filesServed < mostFiles else { return }
    state.withLock { if $0.idle.count < mostIdle { $0.idle.append(child) } }
  }
}
