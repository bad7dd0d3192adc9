import CaffeErrors

/// An LMDB database that a reader process has open. What it says is what `LMDBDatabase` says there.
final class RemoteLMDBDatabase: RecordDatabase {
  let path: String
  let count: Int
  private let session: ReaderSession
  private let fileSize: Int

  init(_ path: String) throws {
    self.path = path
    let session = try ReaderSession(path, library: "liblmdb")
    self.session = session
    var answer = try session.call(.openLMDB) { $0.put(path) }
    (count, fileSize) = try session.decode {
      let (count, size) = (try answer.number(), try answer.number())
      guard count > 0, size > 0 else { throw ReaderFailure.nonsense }
      return (count, size)
    }
  }

  func makeCursor() throws -> any RecordCursor { try openCursor(isRandom: false) }

  func makeRandomCursor() throws -> any RecordCursor { try openCursor(isRandom: true) }

  private func openCursor(isRandom: Bool) throws -> any RecordCursor {
    var answer = try session.call(.openCursor, cost: fileSize) { $0.put(isRandom ? 1 : 0) }
    return RemoteLMDBCursor(
      self, session, handle: try session.decode { try answer.number() }, fileSize: fileSize)
  }
}

/// A position in such a database; it keeps the records that came together with the one asked for.
private final class RemoteLMDBCursor: RecordCursor {
  /// How many bytes to ask for at first, and at most: who reads one record gets few.
  private static let (fewBytes, manyBytes) = (1 << 14, 1 << 20)

  private let database: RemoteLMDBDatabase
  private let session: ReaderSession
  private let handle: Int
  /// Walking to a record takes time for all of it.
  private let fileSize: Int
  /// What comes with the last record that began within the bytes asked for.
  private let largestRecord: Int
  private var bytesToAsk = RemoteLMDBCursor.fewBytes
  private var records = RecordBlock()

  init(
    _ database: RemoteLMDBDatabase, _ session: ReaderSession, handle: Int, fileSize: Int
  ) {
    self.database = database
    self.session = session
    self.handle = handle
    self.fileSize = fileSize
    // LMDB counts the bytes of a record in 32 bits.
    largestRecord = min(fileSize, 1 << 32) + 1 << 16
  }

  deinit { _ = try? session.call(.drop) { $0.put(handle) } }

  func next<Result>(_ body: (Record) throws -> Result) throws -> Result? {
    if records.isEmpty {
      let bytes = bytesToAsk
      let answer = try session.call(
        .nextRecords, cost: bytes, limit: bytes + largestRecord
      ) {
        $0.put(handle)
        $0.put(bytes)
      }
      records = try session.decode { try RecordBlock(answer) }
      bytesToAsk = min(Self.manyBytes, bytes * 4)
    }
    return try records.next(body)
  }

  func seek(to index: Int) throws {
    precondition((0..<database.count).contains(index), "record \(index) of \(database.count)")
    records = RecordBlock()
    bytesToAsk = Self.fewBytes
    _ = try session.call(.seek, cost: fileSize) {
      $0.put(handle)
      $0.put(index)
    }
  }

  func records(at indices: [Int], _ body: (Record) throws -> Void) throws {
    records = RecordBlock()
    var rest = indices[...]
    while !rest.isEmpty {
      let answer = try session.call(
        .recordsAt, cost: Self.manyBytes, limit: Self.manyBytes + largestRecord
      ) {
        $0.put(handle)
        $0.put(Self.manyBytes)
        $0.put(Array(rest))
      }
      var block = try session.decode { try RecordBlock(answer) }
      if block.isEmpty { return }
      while try block.next(body) != nil { rest = rest.dropFirst() }
    }
  }
}

/// Records in one piece of memory, handed out one after the other.
private struct RecordBlock {
  private let bytes: [UInt8]
  /// Where key and value of each lie.
  private var places: ArraySlice<(key: Range<Int>, value: Range<Int>)>

  var isEmpty: Bool { places.isEmpty }

  init() { (bytes, places) = ([], []) }

  init(_ answer: ReaderMessage) throws {
    var answer = answer
    var places: [(key: Range<Int>, value: Range<Int>)] = []
    while !answer.isAtEnd { places.append((try answer.piece(), try answer.piece())) }
    (bytes, self.places) = (answer.bytes, places[...])
  }

  mutating func next<Result>(_ body: (Record) throws -> Result) rethrows -> Result? {
    guard let (key, value) = places.popFirst() else { return nil }
    return try bytes.withUnsafeBytes {
      try body(
        Record(
          key: UnsafeRawBufferPointer(rebasing: $0[key]),
          value: UnsafeRawBufferPointer(rebasing: $0[value])))
    }
  }
}
