import CLMDB
import CaffeErrors
import Foundation
import Glibc

/// An LMDB environment open for reading, shared by everyone in this process who reads it.
///
/// LMDB forbids opening one database twice in a process: closing either drops the locks of both.
/// So there is a register of what is open, by the identity of the file, not by its path.
final class LMDBEnvironment: @unchecked Sendable {  // LMDB lets threads share an environment
  /// Which file: two paths may lead to one.
  private struct Identity: Hashable {
    let device: UInt64
    let inode: UInt64
  }
  private static let lock = NSLock()
  nonisolated(unsafe) private static var open: [Identity: (LMDBEnvironment, users: Int)] = [:]

  private let identity: Identity
  let handle: OpaquePointer
  /// The size of the data file; no record can be larger.
  let fileSize: Int

  /// Gives the environment of the folder `path`, opening it if nobody has it open. Every call must
  /// be met by one of `release`.
  static func acquire(_ path: String) throws -> LMDBEnvironment {
    try lock.withLock {
      var status = stat()
      guard stat("\(path)/\(LMDBDatabase.mark)", &status) == 0 else {
        let isThere = FileManager.default.fileExists(atPath: path)
        throw CaffeError(
          isThere ? "this is not an LMDB database: a folder with data.mdb" : SystemFile.reason)
      }
      let identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
      if let (environment, users) = open[identity] {
        open[identity] = (environment, users + 1)
        return environment
      }
      let environment = try LMDBEnvironment(path, identity, fileSize: Int(status.st_size))
      open[identity] = (environment, 1)
      return environment
    }
  }

  /// Tells that one user of the environment is done.
  func release() {
    Self.lock.withLock {
      guard let (_, users) = Self.open[identity] else { return }
      Self.open[identity] = users > 1 ? (self, users - 1) : nil
      if users == 1 { mdb_env_close(handle) }
    }
  }

  private init(_ path: String, _ identity: Identity, fileSize: Int) throws {
    self.identity = identity
    self.fileSize = fileSize
    let shared = UInt32(MDB_RDONLY | MDB_NOTLS)
    do {
      handle = try LMDB.openEnvironment(path, shared)
    } catch  where access(path, W_OK) != 0 {
      // No lock file can be made here, and nobody can write while we read.
      handle = try LMDB.openEnvironment(path, shared | UInt32(MDB_NOLOCK))
    }
    do {
      // Readers that were killed keep their places in the table of readers until somebody looks.
      var freed: Int32 = 0
      try LMDB.check(mdb_reader_check(handle, &freed), "cannot look for readers that are no more")
      try checkSize()
    } catch {
      mdb_env_close(handle)
      throw error
    }
  }

  /// Reading beyond the end of a truncated file would end the process.
  private func checkSize() throws {
    var info = MDB_envinfo()
    var pages = MDB_stat()
    try LMDB.check(mdb_env_info(handle, &info), "cannot read the header")
    try LMDB.check(mdb_env_stat(handle, &pages), "cannot read the header")
    // A forged number may be negative, or the largest there is.
    let needed = info.me_last_pgno.clampedSum(1).clampedProduct(Int(pages.ms_psize))
    guard info.me_last_pgno >= 0, needed <= fileSize else {
      throw CaffeError(
        "data.mdb is truncated: it has \(fileSize) bytes, its header promises \(needed)")
    }
  }
}

/// The one door to LMDB's status codes.
enum LMDB {
  /// Throws what failed and LMDB's or the system's reason.
  static func check(_ status: Int32, _ failed: @autoclosure () -> String) throws {
    guard status == MDB_SUCCESS else {
      // LMDB calls a write that the disk took only in part an input/output error.
      let hint = status == EIO ? "; the disk may be full" : ""
      throw CaffeError("\(failed()): \(String(cString: mdb_strerror(status)))\(hint)")
    }
  }

  static func openEnvironment(_ path: String, _ flags: UInt32) throws -> OpaquePointer {
    var handle: OpaquePointer?
    try check(mdb_env_create(&handle), "cannot open this LMDB database")
    guard let handle else { throw CaffeError("cannot open this LMDB database") }
    do {
      try check(mdb_env_open(handle, path, flags, 0o664), "cannot open this LMDB database")
      return handle
    } catch {
      mdb_env_close(handle)
      throw error
    }
  }

  static func begin(_ environment: OpaquePointer, _ flags: UInt32) throws -> OpaquePointer {
    var transaction: OpaquePointer?
    try check(mdb_txn_begin(environment, nil, flags, &transaction), "cannot begin a transaction")
    guard let transaction else { throw CaffeError("cannot begin a transaction") }
    return transaction
  }

  static func openTable(_ transaction: OpaquePointer) throws -> MDB_dbi {
    var table: MDB_dbi = 0
    try check(mdb_dbi_open(transaction, nil, 0, &table), "cannot open the table of records")
    return table
  }
}

extension MDB_val {
  /// What LMDB takes as input, though its C type does not say that it only reads it.
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(
      mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
  }
}
