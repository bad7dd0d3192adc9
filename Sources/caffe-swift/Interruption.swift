import Caffe
import Foundation
import Synchronization

/// However the program ends, it removes what it has not completed first. Signals that end it (`train`
/// has its own way with them) then do as they always do.
enum Interruption {
  /// Handlers may only use what cannot block: they send the signal's number here.
  private static let sender = Atomic<Int32>(-1)

  /// To be called before there are other threads.
  static func prepare() {
    // Threads that read ahead may still have some open.
    atexit { TemporaryFiles.removeAll() }
    // A file too large is an error like others.
    signal(SIGXFSZ, SIG_IGN)
    signal(SIGPIPE, SIG_DFL)
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    sender.store(ends[1], ordering: .relaxed)
    let receiver = ends[0]
    for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { handle(number) }
    Thread.detachNewThread {
      var number: UInt8 = 0
      while read(receiver, &number, 1) < 0 && errno == EINTR {}
      end(by: Int32(number))
    }
  }

  /// Ends the program as the signal does if nobody handles it, without leaving temporary files.
  static func end(by number: Int32) {
    TemporaryFiles.removeAll()
    signal(number, SIG_DFL)
    kill(getpid(), number)
  }

  /// What the program was started to ignore (`nohup`) stays ignored.
  private static func handle(_ number: Int32) {
    var former = sigaction()
    sigaction(number, nil, &former)
    guard former.__sigaction_handler.sa_handler == nil else { return }
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { number in
      var byte = UInt8(truncatingIfNeeded: number)
      _ = write(Interruption.sender.load(ordering: .relaxed), &byte, 1)
    }
    action.sa_flags = SA_RESTART
    sigaction(number, &action, nil)
  }
}
