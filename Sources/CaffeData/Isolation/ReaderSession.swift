import CaffeErrors
import Foundation

/// One file, open in a reader process that has no other meanwhile. Calls of several threads run one at a
/// time.
///
/// If the reader ends, or does not answer in time, this call and all later ones throw one sentence.
final class ReaderSession: @unchecked Sendable {  // all state is guarded by `lock`
  private let path: String
  /// Who is to blame, `libhdf5`.
  private let library: String
  /// Whether the reader serves nobody else.
  private let isOwn: Bool
  private let kept: AnyObject?
  private let lock = NSLock()
  private var child: ReaderChild?
  private var breakdown: CaffeError?
  /// The last answer that was asked for, unless it has come.
  private var awaited: Awaited?

  /// - Parameters:
  ///   - kept: what is to stay until the reader has let go of the file.
  ///   - program: for a reader that runs another one than `ReaderProcess` says.
  /// - Throws: if no process can be started.
  init(
    _ path: String, library: String, keeping kept: AnyObject? = nil, program: String? = nil
  ) throws {
    self.path = path
    self.library = library
    self.kept = kept
    isOwn = program != nil
    let child = try withPlace(path) {
      try program.map { try ReaderChild($0) } ?? ReaderProcess.take()
    }
    child.filesServed += 1
    self.child = child
  }

  deinit {
    guard breakdown == nil, let child else { return }
    // What is damaged may still break the reader when it closes it, which is no matter now.
    guard !isOwn, (try? call(.close)) != nil else { return child.stop() }
    ReaderProcess.giveBack(child)
  }

  /// No list of names is longer.
  static let largestAnswer = 1 << 28

  /// An answer that was asked for, and may not have come yet.
  final class Awaited {
    fileprivate let cost: Int
    fileprivate let limit: Int
    fileprivate var result: Result<ReaderMessage, any Error>?

    fileprivate init(cost: Int, limit: Int) { (self.cost, self.limit) = (cost, limit) }
  }

  /// Asks for a message. Other requests may come before `answer` fetches it; then it waits here.
  ///
  /// - Parameters:
  ///   - cost: see `ReaderLimits`.
  ///   - limit: how many bytes the answer has at most.
  func ask(
    _ request: ReaderRequest, cost: Int = 0, limit: Int = ReaderSession.largestAnswer,
    _ fill: (inout ReaderMessage) -> Void = { _ in }
  ) throws -> Awaited {
    try lock.withLock {
      try send(request, cost: cost, fill)
      let new = Awaited(cost: cost, limit: limit)
      awaited = new
      return new
    }
  }

  /// Fetches an answer, once.
  func answer(_ wanted: Awaited) throws -> ReaderMessage {
    try lock.withLock {
      settle()
      guard let result = wanted.result else { preconditionFailure("an answer is fetched twice") }
      wanted.result = nil
      return try result.get()
    }
  }

  /// Asks for a message, and waits for it.
  func call(
    _ request: ReaderRequest, cost: Int = 0, limit: Int = ReaderSession.largestAnswer,
    _ fill: (inout ReaderMessage) -> Void = { _ in }
  ) throws -> ReaderMessage {
    try answer(ask(request, cost: cost, limit: limit, fill))
  }

  /// Asks for values, which come as they lie in memory, in one or several parts.
  func call(
    _ request: ReaderRequest, into buffer: UnsafeMutableRawBufferPointer,
    _ fill: (inout ReaderMessage) -> Void
  ) throws {
    try lock.withLock {
      try send(request, cost: buffer.count, fill)
      try withChannel(cost: buffer.count) { channel in
        var done = 0
        while done < buffer.count {
          let header = try Self.header(.values, channel)
          guard header.count > 0, header.count <= buffer.count - done else {
            throw ReaderFailure.nonsense
          }
          let part = buffer[done..<done + header.count]
          try channel.receive(into: UnsafeMutableRawBufferPointer(rebasing: part))
          done += header.count
        }
      }
    }
  }

  /// Throws a breakdown for an answer of another form than it should have.
  func decode<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let failure as ReaderFailure {
      throw lock.withLock { breakDown(failure, cost: 0) }
    }
  }

  // MARK: Inside the lock

  private func send(
    _ request: ReaderRequest, cost: Int, _ fill: (inout ReaderMessage) -> Void
  ) throws {
    settle()
    var message = ReaderMessage()
    fill(&message)
    try withChannel(cost: cost) {
      $0.wait(atMost: ReaderLimits.patience(cost))
      try $0.send(request.rawValue, cost: cost, message)
    }
  }

  /// Receives what is awaited, so that the next to come is the answer to what is asked next.
  private func settle() {
    guard let last = awaited else { return }
    awaited = nil
    last.result = Result {
      try withChannel(cost: last.cost) {
        try $0.receiveMessage(Self.header(.answer, $0), limit: last.limit)
      }
    }
  }

  private func withChannel<Result>(
    cost: Int, _ body: (ReaderChannel) throws -> Result
  ) throws -> Result {
    if let breakdown { throw breakdown }
    guard let channel = child?.channel else { preconditionFailure("a session without a reader") }
    do {
      return try body(channel)
    } catch let failure as ReaderFailure {
      throw breakDown(failure, cost: cost)
    }
  }

  /// Of an answer of this kind; throws a refusal that comes in its place.
  private static func header(
    _ kind: ReaderReply, _ channel: ReaderChannel
  ) throws -> ReaderChannel.Header {
    let header = try channel.receiveHeader()
    if header.kind == ReaderReply.refusal.rawValue {
      var message = try channel.receiveMessage(header, limit: largestAnswer)
      throw CaffeError(try message.text(), places: try message.texts())
    }
    guard header.kind == kind.rawValue else { throw ReaderFailure.nonsense }
    return header
  }

  /// Ends the reader.
  private func breakDown(_ failure: ReaderFailure, cost: Int) -> CaffeError {
    if let breakdown { return breakdown }
    let end = child?.end(byForce: failure != .ended)
    child = nil
    let damaged = "over this file, which must be damaged"
    let message =
      switch (failure, end?.signal) {
      case (.silent, _): "\(library) gave no answer for \(ReaderLimits.patience(cost)) s"
      case (.nonsense, _): "\(library) broke down (nonsense in its memory) \(damaged)"
      case (.ended, SIGPROF?):
        "\(library) was busy for \(ReaderLimits.seconds(cost)) s of processor time \(damaged)"
      case (.ended, SIGKILL?), (.ended, SIGTERM?), (.ended, SIGINT?), (.ended, SIGHUP?):
        "the process that reads this file was ended (\(end?.description ?? ""))"
      case (.ended, _): "\(library) broke down (\(end?.description ?? "")) \(damaged)"
      }
    let error = CaffeError(message, places: [path])
    breakdown = error
    return error
  }
}
