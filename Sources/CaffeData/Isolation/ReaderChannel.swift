import Glibc

/// What can go wrong between this process and a reader process, apart from the file.
enum ReaderFailure: Error {
  /// The other process is no more.
  case ended
  /// No answer came in the time that was granted.
  case silent
  /// The answer cannot be one: the memory of the reader is damaged.
  case nonsense
}

/// What is asked of a reader process.
enum ReaderRequest: Int {
  case openHDF5, exists, children, isGroup, text, openDataset, readValues
  case openLMDB, openLevelDB, countRecords, openCursor, nextRecords, seek, recordsAt
  /// Lets go of one dataset or cursor.
  case drop
  /// Lets go of the file: the reader is as new.
  case close
}

/// What comes back.
enum ReaderReply: Int {
  /// A `ReaderMessage`.
  case answer
  /// The message and the places of a `CaffeError`.
  case refusal
  /// Some of the values that were asked for, as they lie in memory.
  case values
}

/// One end of the socket between the two processes. A frame is a kind, a count of bytes, what the request
/// may cost (see `ReaderLimits`), and the bytes.
final class ReaderChannel {
  struct Header {
    var kind: Int
    var count: Int
    var cost: Int
  }

  let descriptor: Int32

  /// Takes over the descriptor.
  init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  // MARK: Sending

  func send(_ kind: Int, cost: Int = 0, _ content: UnsafeRawBufferPointer) throws {
    let header = Header(kind: kind, count: content.count, cost: cost)
    try withUnsafeBytes(of: header) { try send($0, more: !content.isEmpty) }
    try send(content, more: false)
  }

  func send(_ kind: Int, cost: Int = 0, _ message: ReaderMessage) throws {
    try message.bytes.withUnsafeBytes { try send(kind, cost: cost, $0) }
  }

  private func send(_ content: UnsafeRawBufferPointer, more: Bool) throws {
    let flags = Int32(MSG_NOSIGNAL) | (more ? Int32(MSG_MORE) : 0)
    var rest = content
    while !rest.isEmpty {
      let sent = Glibc.send(descriptor, rest.baseAddress, rest.count, flags)
      if sent < 0 && errno == EINTR { continue }
      if sent < 0 && errno == EAGAIN { throw ReaderFailure.silent }
      guard sent > 0 else { throw ReaderFailure.ended }
      rest = UnsafeRawBufferPointer(rebasing: rest[sent...])
    }
  }

  // MARK: Receiving

  func receiveHeader() throws -> Header {
    var header = Header(kind: -1, count: 0, cost: 0)
    try withUnsafeMutableBytes(of: &header) { try receive(into: $0) }
    guard header.count >= 0, header.cost >= 0 else { throw ReaderFailure.nonsense }
    return header
  }

  /// The content of a frame, which is nonsense if it is larger than `limit`.
  func receiveMessage(_ header: Header, limit: Int) throws -> ReaderMessage {
    guard header.count <= limit else { throw ReaderFailure.nonsense }
    return ReaderMessage(
      try [UInt8](unsafeUninitializedCapacity: header.count) { buffer, count in
        let room = UnsafeMutableRawBufferPointer(buffer)
        try receive(into: UnsafeMutableRawBufferPointer(rebasing: room[..<header.count]))
        count = header.count
      })
  }

  /// Fills all of `buffer`.
  func receive(into buffer: UnsafeMutableRawBufferPointer) throws {
    var rest = buffer
    while !rest.isEmpty {
      let count = recv(descriptor, rest.baseAddress, rest.count, 0)
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EAGAIN { throw ReaderFailure.silent }
      guard count > 0 else { throw ReaderFailure.ended }
      rest = UnsafeMutableRawBufferPointer(rebasing: rest[count...])
    }
  }

  /// Waits at most so long for each piece of an answer, and for room for a request.
  func wait(atMost seconds: Int) {
    var time = timeval(tv_sec: seconds, tv_usec: 0)
    for direction in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, direction, &time, socklen_t(MemoryLayout<timeval>.size))
    }
  }

  /// Whether the process at the other end still has its end open.
  var isConnected: Bool {
    var state = pollfd(fd: descriptor, events: 0, revents: 0)
    return poll(&state, 1, 0) == 0
  }

  /// Returns once the process at the other end has closed its own.
  func waitForTheEnd() {
    var state = pollfd(fd: descriptor, events: 0, revents: 0)
    while poll(&state, 1, -1) < 0 && errno == EINTR {}
  }
}
