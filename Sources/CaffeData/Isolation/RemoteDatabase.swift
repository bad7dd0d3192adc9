import CaffeErrors
import Foundation
import Glibc

/// An LMDB or LevelDB database that a reader process has open. What it says is what `LMDBDatabase` or
/// `LevelDBDatabase` says there.
package final class RemoteDatabase: RecordDatabase {
  package let path: String
  fileprivate let session: ReaderSession
  /// All bytes of its files, which reading it takes time for.
  fileprivate let size: Int
  /// No record has more bytes.
  fileprivate let largestRecord: Int

  convenience init(lmdb path: String) throws {
    try self.init(path, .openLMDB, session: ReaderSession(path, library: "liblmdb"))
  }

  /// The reader is given a view that belongs to this process, which removes it whatever happens there.
  convenience init(levelDB path: String) throws {
    let view = try withPlace(path) { try LevelDBView(of: path) }
    try self.init(
      path, .openLevelDB, view: view.path,
      session: ReaderSession(path, library: "libleveldb", keeping: view))
  }

  private init(
    _ path: String, _ request: ReaderRequest, view: String? = nil, session: ReaderSession
  ) throws {
    self.path = path
    self.session = session
    size = Self.size(of: path)
    // Both count the bytes of a record in 32 bits. LevelDB may compress: Snappy makes 64 bytes of three.
    largestRecord = min(size.clampedProduct(view == nil ? 1 : 22), 1 << 32)
    _ = try session.call(request, cost: size) {
      $0.put(largestRecord)
      $0.put(path)
      if let view { $0.put(view) }
    }
  }

  private static func size(of folder: String) -> Int {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.reduce(0) { sum, name in
      var status = stat()
      return stat("\(folder)/\(name)", &status) == 0 ? sum.clampedSum(Int(status.st_size)) : sum
    }
  }

  package var count: Int {
    get throws {
      var answer = try session.call(.countRecords, cost: size)
      return try session.decode {
        let count = try answer.number()
        guard count > 0 else { throw ReaderFailure.nonsense }
        return count
      }
    }
  }

  package func makeCursor() throws -> any RecordCursor { try openCursor(isRandom: false) }

  package func makeRandomCursor() throws -> any RecordCursor { try openCursor(isRandom: true) }

  private func openCursor(isRandom: Bool) throws -> any RecordCursor {
    var answer = try session.call(.openCursor, cost: size) { $0.put(isRandom ? 1 : 0) }
    return RemoteCursor(self, handle: try session.decode { try answer.number() })
  }
}

/// A position in such a database; it keeps the records that came together with the one asked for.
private final class RemoteCursor: RecordCursor {
  /// How many bytes to ask for at first, and at most: who reads one record gets few, and many find room in
  /// the socket, so that the reader need not wait.
  private static let (fewBytes, manyBytes) = (1 << 14, 1 << 18)

  private let database: RemoteDatabase
  private let handle: Int
  private var bytesToAsk = RemoteCursor.fewBytes
  private var records = RecordBlock()
  private var awaited: ReaderSession.Awaited?

  init(_ database: RemoteDatabase, handle: Int) {
    self.database = database
    self.handle = handle
  }

  /// What comes with the last record that began within the bytes asked for, its key and two lengths.
  private var mostBeyond: Int { database.largestRecord + 1 << 16 }
  private var session: ReaderSession { database.session }

  deinit { _ = try? session.call(.drop) { $0.put(handle) } }

  func next<Result>(_ body: (Record) throws -> Result) throws -> Result? {
    if records.isEmpty { records = try nextBlock() }
    return try records.next(body)
  }

  private func nextBlock() throws -> RecordBlock {
    let wanted = try awaited ?? askForNext()
    awaited = nil
    let block = try session.decode { try RecordBlock(session.answer(wanted)) }
    // Who has come so far goes on. The reader gathers the next block while this one is used; if it cannot
    // be asked, the next call will tell.
    if bytesToAsk == Self.manyBytes, !block.isEmpty { awaited = try? askForNext() }
    return block
  }

  private func askForNext() throws -> ReaderSession.Awaited {
    let bytes = bytesToAsk
    bytesToAsk = min(Self.manyBytes, bytes * 4)
    return try session.ask(.nextRecords, cost: bytes, limit: bytes + mostBeyond) {
      $0.put(handle)
      $0.put(bytes)
    }
  }

  /// Lets go of records that came before they were wanted.
  private func forget() {
    records = RecordBlock()
    awaited = nil
  }

  func seek(to index: Int) throws {
    precondition(index >= 0, "record \(index)")
    forget()
    bytesToAsk = Self.fewBytes
    _ = try session.call(.seek, cost: database.size) {
      $0.put(handle)
      $0.put(index)
    }
  }

  func records(at indices: [Int], _ body: (Record) throws -> Void) throws {
    forget()
    var rest = indices[...]
    while !rest.isEmpty {
      let answer = try session.call(
        .recordsAt, cost: Self.manyBytes, limit: Self.manyBytes + mostBeyond
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
