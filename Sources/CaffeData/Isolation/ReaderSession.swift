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
  private let lock = NSLock()
  private var child: ReaderChild?
  private var breakdown: CaffeError?

  /// - Parameter program: for a reader that runs another one than `ReaderProcess` says.
  /// - Throws: if no process can be started.
  init(_ path: String, library: String, program: String? = nil) throws {
    self.path = path
    self.library = library
    isOwn = program != nil
    let child = try withPlace(path) {
      try program.map { try ReaderChild($0) } ?? ReaderProcess.take()
    }
    child.filesServed += 1
    self.child = child
  }

  deinit {
    guard breakdown == nil, !isOwn, let child else { return }
    // What is damaged may still break the reader when it closes it, which is no matter now.
    guard (try? call(.close)) != nil else { return }
    ReaderProcess.giveBack(child)
  }

  /// No list of names is longer.
  static let largestAnswer = 1 << 28

  /// Asks for a message.
  ///
  /// - Parameters:
  ///   - cost: see `ReaderLimits`.
  ///   - limit: how many bytes the answer has at most.
  func call(
    _ request: ReaderRequest, cost: Int = 0, limit: Int = ReaderSession.largestAnswer,
    _ fill: (inout ReaderMessage) -> Void = { _ in }
  ) throws -> ReaderMessage {
    try exchange(request, cost: cost, fill) { channel, header in
      guard header.kind == ReaderReply.answer.rawValue else { throw ReaderFailure.nonsense }
      return try channel.receiveMessage(header, limit: limit)
    }
  }

  /// Asks for values, which come as they lie in memory, in one or several parts.
  func call(
    _ request: ReaderRequest, into buffer: UnsafeMutableRawBufferPointer,
    _ fill: (inout ReaderMessage) -> Void
  ) throws {
    var done = 0
    try exchange(request, cost: buffer.count, fill) { channel, first in
      var header = first
      while true {
        guard header.kind == ReaderReply.values.rawValue, header.count > 0,
          header.count <= buffer.count - done
        else { throw ReaderFailure.nonsense }
        let part = buffer[done..<done + header.count]
        try channel.receive(into: UnsafeMutableRawBufferPointer(rebasing: part))
        done += header.count
        if done == buffer.count { return }
        header = try channel.receiveHeader()
        try Self.throwRefusal(header, channel)
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

  private func exchange<Result>(
    _ request: ReaderRequest, cost: Int, _ fill: (inout ReaderMessage) -> Void,
    _ receive: (ReaderChannel, ReaderChannel.Header) throws -> Result
  ) throws -> Result {
    try lock.withLock {
      if let breakdown { throw breakdown }
      guard let channel = child?.channel else { preconditionFailure("a session without a reader") }
      do {
        var message = ReaderMessage()
        fill(&message)
        channel.wait(atMost: ReaderLimits.patience(cost))
        try channel.send(request.rawValue, cost: cost, message)
        let header = try channel.receiveHeader()
        try Self.throwRefusal(header, channel)
        return try receive(channel, header)
      } catch let failure as ReaderFailure {
        throw breakDown(failure, cost: cost)
      }
    }
  }

  private static func throwRefusal(
    _ header: ReaderChannel.Header, _ channel: ReaderChannel
  ) throws {
    guard header.kind == ReaderReply.refusal.rawValue else { return }
    var message = try channel.receiveMessage(header, limit: largestAnswer)
    throw CaffeError(try message.text(), places: try message.texts())
  }

  /// Ends the reader; inside the lock.
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
