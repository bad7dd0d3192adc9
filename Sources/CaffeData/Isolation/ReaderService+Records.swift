import CaffeErrors

extension ReaderService {
  func answerRecords(
    _ request: ReaderRequest, _ message: inout ReaderMessage
  ) throws -> ReaderMessage? {
    var answer = ReaderMessage()
    if request == .openLMDB || request == .openLevelDB {
      largestRecord = try message.number()
      ReaderLimits.allowMemory(for: largestRecord)
      let path = try message.text()
      database =
        request == .openLMDB
        ? try LMDBDatabase(path)
        : try LevelDBDatabase(path, LevelDBView(madeElsewhere: message.text()))
      return answer
    }
    guard let database else { throw ReaderFailure.nonsense }
    ReaderLimits.allowMemory(for: largestRecord)
    if request == .countRecords {
      answer.put(try database.count)
      return answer
    }
    if request == .openCursor {
      let isRandom = try message.number() != 0
      let handle = newHandle()
      cursors[handle] = ServedCursor(
        isRandom ? try database.makeRandomCursor() : try database.makeCursor())
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
