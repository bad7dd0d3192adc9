import CaffeErrors

/// A cursor that hands out many records at once, to be sent.
final class ServedCursor {
  private let cursor: any RecordCursor
  /// What is sent, in memory that serves again.
  private var message = ReaderMessage()
  /// What went wrong behind the records that were handed out already.
  private var failure: CaffeError?

  init(_ cursor: any RecordCursor) { self.cursor = cursor }

  func seek(to index: Int) throws {
    failure = nil
    try cursor.seek(to: index)
  }

  /// The next records, at least one and as many as fit into so many bytes; none after the last.
  func next(atMost bytes: Int) throws -> ReaderMessage {
    if let failure {
      self.failure = nil
      throw failure
    }
    return try gather(atMost: bytes) { try cursor.next($0) != nil }
  }

  /// The records at the first of `indices`, at least one and as many as fit into so many bytes.
  func records(at indices: [Int], atMost bytes: Int) throws -> ReaderMessage {
    var rest = indices[...]
    // The one that is at fault is asked for again.
    defer { failure = nil }
    return try gather(atMost: bytes) { body in
      guard let index = rest.popFirst() else { return false }
      try cursor.seek(to: index)
      return try cursor.next(body) != nil
    }
  }

  /// - Parameter step: hands out a record, or tells that there is none.
  private func gather(
    atMost bytes: Int, _ step: ((Record) throws -> Void) throws -> Bool
  ) throws -> ReaderMessage {
    message.clear()
    do {
      while message.bytes.count < bytes,
        try step({
          message.put($0.key)
          message.put($0.value)
        })
      {}
    } catch let error as CaffeError where !message.bytes.isEmpty {
      failure = error
    }
    return message
  }
}
