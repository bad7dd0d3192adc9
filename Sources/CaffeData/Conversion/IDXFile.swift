import CZlib
import CaffeErrors
import Foundation

/// An idx file of bytes, plain or gzip-compressed, read item by item: MNIST's format.
///
/// Big-endian: the magic number 2051 (images: count, rows, columns) or 2049 (labels: count), each
/// extent in 32 bits, then the bytes. Everything that does not fit is an error that names the file.
///
/// Source: the MNIST page of LeCun, Cortes and Burges.
package final class IDXFile {
  package enum Kind: UInt32, Sendable {
    case labels = 2049
    case images = 2051

    var axes: Int { self == .images ? 3 : 1 }
  }

  /// A few forged bytes must not ask for more memory than such an image needs.
  private static let longestSide = 1 << 14

  package let path: String
  /// How many items the header promises.
  package let count: Int
  /// The extents of one item: rows and columns of an image, nothing for a label.
  package let itemExtents: [Int]
  /// The bytes of one item.
  package var itemSize: Int { itemExtents.reduce(1, *) }
  private let stream: gzFile
  private var itemsRead = 0

  /// Opens a file and reads its header.
  package init(_ path: String, _ kind: Kind) throws {
    self.path = path
    guard let stream = gzopen(path, "rb") else {
      throw CaffeError(SystemFile.reason, places: [path])
    }
    do {
      let header = try withPlace(path) { try Self.header(of: stream, kind) }
      self.stream = stream
      count = header[0]
      itemExtents = Array(header.dropFirst())
    } catch {
      gzclose(stream)
      throw error
    }
  }

  deinit {
    gzclose(stream)
  }

  /// Reads the next item into a buffer of `itemSize` bytes; false after the last one, which must be
  /// where the file ends.
  package func next(into item: UnsafeMutableBufferPointer<UInt8>) throws -> Bool {
    precondition(item.count == itemSize, "\(itemSize) bytes into room for \(item.count)")
    return try withPlace(path) {
      if itemsRead == count {
        guard try Self.read(stream, into: UnsafeMutableRawBufferPointer(item)) == 0 else {
          throw CaffeError("there is more after the \(count) items that the header promises")
        }
        return false
      }
      guard try Self.read(stream, into: UnsafeMutableRawBufferPointer(item)) == item.count else {
        throw CaffeError(
          "truncated: the header promises \(count) items, the file ends in item \(itemsRead)")
      }
      itemsRead += 1
      return true
    }
  }

  /// The bytes of all items, which must be all that the file has.
  func readAll() throws -> [UInt8] {
    var bytes: [UInt8] = []
    var item = [UInt8](repeating: 0, count: itemSize)
    while try item.withUnsafeMutableBufferPointer({ try next(into: $0) }) { bytes += item }
    return bytes
  }

  /// Count and extents, checked.
  private static func header(of stream: gzFile, _ kind: Kind) throws -> [Int] {
    let magic = try number(stream)
    guard magic == kind.rawValue else {
      throw CaffeError(
        "not an idx file of \(kind): its magic number is \(magic), not \(kind.rawValue)")
    }
    let extents = try (0..<kind.axes).map { _ in Int(try number(stream)) }
    let claimed = extents.dropFirst()
    guard claimed.allSatisfy({ (1...longestSide).contains($0) }) else {
      throw CaffeError("the header claims \(kind) of the extents \(Array(claimed))")
    }
    return extents
  }

  private static func number(_ stream: gzFile) throws -> UInt32 {
    var number: UInt32 = 0
    guard try withUnsafeMutableBytes(of: &number, { try read(stream, into: $0) }) == 4 else {
      throw CaffeError("truncated: the file ends in its header")
    }
    return UInt32(bigEndian: number)
  }

  /// Fills the buffer as far as the file goes; returns how far.
  private static func read(
    _ stream: gzFile, into buffer: UnsafeMutableRawBufferPointer
  ) throws -> Int {
    let count = gzread(stream, buffer.baseAddress, UInt32(buffer.count))
    var status: Int32 = 0
    let message = gzerror(stream, &status).map { String(cString: $0) } ?? ""
    guard count >= 0, status == Z_OK || status == Z_STREAM_END else {
      let reason = status == Z_ERRNO ? SystemFile.reason : message
      // zlib puts the path before its words, as our caller does.
      throw CaffeError(reason.components(separatedBy: ": ").last ?? reason)
    }
    return Int(count)
  }
}
