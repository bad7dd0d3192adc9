import CaffeErrors

extension ReaderService {
  func answerLMDB(
    _ request: ReaderRequest, _ message: inout ReaderMessage
  ) throws -> ReaderMessage? {
    var answer = ReaderMessage()
    if request == .openLMDB {
      let database = try LMDBDatabase(try message.text())
      lmdb = database
      answer.put(database.count)
      answer.put(database.largestRecord)
      return answer
    }
    guard let lmdb else { throw ReaderFailure.nonsense }
    ReaderLimits.allowMemory(for: lmdb.largestRecord)
    if request == .openCursor {
      let isRandom = try message.number() != 0
      let handle = newHandle()
      cursors[handle] = ServedCursor(
        isRandom ? try lmdb.makeRandomCursor() : try lmdb.makeCursor())
      answer.put(handle)
      return answer
    }
    guard let cursor = cursors[try message.number()] else { throw ReaderFailure.nonsense }
    switch request {
    case .nextRecords: return try cursor.next(atMost: message.number())
    case .recordsAt:
      let bytes = try message.number()
      return try cursor.records(at: message.numbers(), atMost: bytes)
    default: try cursor.seek(to: message.number())
    }
    return answer
  }
}
