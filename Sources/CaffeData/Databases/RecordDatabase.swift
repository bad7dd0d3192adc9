/// A database of records in a fixed order, that of their keys: what a Data layer reads.
package protocol RecordDatabase: AnyObject, Sendable {
  var path: String { get }
  /// How many records there are; at least one. A database that does not keep the number reads
  /// itself once to find it.
  var count: Int { get throws }
  /// A new reading position, before the first record. Each thread needs its own.
  func makeCursor() throws -> any RecordCursor
  /// A cursor that goes to any record in a short time. The first call may read all keys, which the
  /// database then keeps.
  func makeRandomCursor() throws -> any RecordCursor
}

/// A position in a database. It keeps the database open.
package protocol RecordCursor: AnyObject {
  /// Hands the next record to `body`; nil after the last one.
  func next<Result>(_ body: (Record) throws -> Result) throws -> Result?
  /// Moves before the record at `index`, so that `next` gives it. Unless this is a random cursor it
  /// takes time in proportion to `index`, but does not touch the values passed over.
  func seek(to index: Int) throws
  /// Hands the records at `indices` to `body`, in that order, up to one that is not there; where the cursor
  /// stands then is not said.
  func records(at indices: [Int], _ body: (Record) throws -> Void) throws
}

extension RecordCursor {
  package func records(at indices: [Int], _ body: (Record) throws -> Void) throws {
    for index in indices {
      try seek(to: index)
      if try next(body) == nil { return }
    }
  }
}

/// One record. Its bytes belong to the database and are valid only inside the call that gave it.
package struct Record {
  package let key: UnsafeRawBufferPointer
  package let value: UnsafeRawBufferPointer

  /// The key as text, for messages.
  package var name: String { String(decoding: key, as: UTF8.self) }
}
