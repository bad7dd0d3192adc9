import Glibc
import Synchronization

/// What SIGINT, SIGTERM and SIGHUP ask of the solver, noted by handlers and polled between passes.
///
/// A second SIGINT or SIGTERM after one that stops the run ends the process at once with status 130;
/// snapshots on disk are whole, since they are renamed into place.
public enum Signals {
  private static let interrupted = Atomic<Bool>(false)
  private static let terminated = Atomic<Bool>(false)
  private static let hungUp = Atomic<Bool>(false)
  /// Whether an interrupt stops the run, and whether one has come: handlers may not take locks.
  private static let stopsOnInterrupt = Atomic<Bool>(false)
  private static let isStopping = Atomic<Bool>(false)
  private static let effects = Mutex<(interrupt: SolverAction?, hangup: SolverAction?)>((nil, nil))

  /// Installs the handlers.
  ///
  /// - Parameters:
  ///   - interrupt: effect of SIGINT, `nil` for none. SIGTERM stops the run, or does what it does without a
  ///     handler where SIGINT has no effect: whoever sends it wants an end.
  ///   - hangup: effect of SIGHUP, `nil` for none.
  public static func install(interrupt: SolverAction?, hangup: SolverAction?) {
    effects.withLock { $0 = (interrupt, hangup) }
    stopsOnInterrupt.store(interrupt == .stop, ordering: .relaxed)
    isStopping.store(false, ordering: .relaxed)
    handle(SIGINT) { _ in Signals.noteInterrupt() }
    if interrupt != nil { handle(SIGTERM) { _ in Signals.noteTermination() } }
    handle(SIGHUP) { _ in Signals.hungUp.store(true, ordering: .relaxed) }
    // One that has been waiting is for these handlers.
    unblock([SIGINT, SIGTERM, SIGHUP])
  }

  /// The next request, if there is one; hang-ups come before interrupts, an end before both.
  public static func take() -> SolverAction? {
    let effects = effects.withLock { $0 }
    if terminated.exchange(false, ordering: .relaxed) { return .stop }
    if hungUp.exchange(false, ordering: .relaxed), let action = effects.hangup { return action }
    if interrupted.exchange(false, ordering: .relaxed) { return effects.interrupt }
    return nil
  }

  private static func noteInterrupt() {
    interrupted.store(true, ordering: .relaxed)
    if stopsOnInterrupt.load(ordering: .relaxed) { stop() }
  }

  private static func noteTermination() {
    terminated.store(true, ordering: .relaxed)
    stop()
  }

  private static func stop() {
    if isStopping.exchange(true, ordering: .relaxed) { _exit(130) }
  }

  /// Whoever started the process may have left signals blocked for it.
  private static func unblock(_ signals: [Int32]) {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }

  private static func handle(_ signal: Int32, _ handler: @escaping @convention(c) (Int32) -> Void) {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = handler
    action.sa_flags = SA_RESTART
    sigaction(signal, &action, nil)
  }
}
