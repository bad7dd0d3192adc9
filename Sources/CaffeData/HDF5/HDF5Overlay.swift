import CaffeErrors

/// A file as libhdf5 changes it: what it writes stays in memory until `commit`.
///
/// libhdf5 1.10 may end the process, or believe a half-written file to be whole, if a write fails under it.
/// Here none can: the disk is written to after the library has closed the file.
final class HDF5Overlay {
  private static let pageBytes = 1 << 16

  private let file: SystemFile
  private let storedSize: Int
  /// The changed parts of the file, by their number.
  private var pages: [Int: [UInt8]] = [:]
  /// Where the file ends.
  private(set) var size: Int
  /// Where what the library has given places to ends.
  var allocatedSize: UInt64 = 0
  /// Why something of the file could not be read.
  private(set) var failure: CaffeError?

  init(_ path: String) throws {
    file = try SystemFile(updating: path)
    storedSize = try file.size
    size = storedSize
  }

  // MARK: The library's side

  /// Fills `buffer` from `place` on, with zeros beyond the end.
  ///
  /// - Returns: false if the disk cannot be read.
  func read(at place: Int, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
    var done = 0
    while done < buffer.count {
      let (page, start) = (place + done).quotientAndRemainder(dividingBy: Self.pageBytes)
      let count = min(buffer.count - done, Self.pageBytes - start)
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
      if let changed = pages[page] {
        changed.withUnsafeBytes {
          part.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + count]))
        }
      } else if !readStored(at: place + done, into: part) {
        return false
      }
      done += count
    }
    return true
  }

  func write(at place: Int, _ content: UnsafeRawBufferPointer) {
    var done = 0
    while done < content.count {
      let (page, start) = (place + done).quotientAndRemainder(dividingBy: Self.pageBytes)
      let count = min(content.count - done, Self.pageBytes - start)
      if pages[page] == nil { pages[page] = stored(page) }
      let part = UnsafeRawBufferPointer(rebasing: content[done..<done + count])
      pages[page]?.withUnsafeMutableBytes {
        UnsafeMutableRawBufferPointer(rebasing: $0[start..<start + count]).copyMemory(from: part)
      }
      done += count
    }
    size = max(size, place + content.count)
  }

  /// Ends the file where what has a place ends.
  func truncate() { size = Int(clamping: allocatedSize) }

  /// A part of the file as it was; of zeros, with a failure noted, if it cannot be read.
  private func stored(_ page: Int) -> [UInt8] {
    var content = [UInt8](repeating: 0, count: Self.pageBytes)
    _ = content.withUnsafeMutableBytes { readStored(at: page * Self.pageBytes, into: $0) }
    return content
  }

  private func readStored(at place: Int, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
    do {
      let count = try file.read(at: place, into: buffer)
      UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).initializeMemory(
        as: UInt8.self, repeating: 0)
      return true
    } catch {
      failure = failure ?? error as? CaffeError
      return false
    }
  }

  // MARK: Ours

  /// Brings the changes to the file, once the library has closed it.
  ///
  /// - Throws: the system's reason. If room or what was there before is wanting, the file is as it was.
  func commit() throws {
    if let failure { throw failure }
    if size > storedSize { try file.reserve(size - storedSize) }
    for (page, content) in pages.sorted(by: { $0.key < $1.key }) {
      let start = page * Self.pageBytes
      try content.withUnsafeBytes {
        try file.write(UnsafeRawBufferPointer(rebasing: $0.prefix(max(0, size - start))), at: start)
      }
    }
    if try file.size != size { try file.truncate(to: size) }
  }
}
