import CaffeKernels
import Foundation
import Testing

/// What the system is told about blocks of memory.
@Suite(.enabled(if: FileManager.default.fileExists(atPath: "/sys/kernel/mm/transparent_hugepage")))
struct SystemMemoryTests {
  /// What the system keeps in mind about the memory at an address: `hg` where it may use large pages, `nh`
  /// where it may not.
  private func flags(at address: UnsafeMutableRawPointer) throws -> [String] {
    let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
    let maps = String(decoding: try #require(try file.readToEnd()), as: UTF8.self)
    var isInside = false
    for line in maps.split(separator: "\n") {
      let bounds = line.prefix { $0 != " " }.split(separator: "-").map { UInt($0, radix: 16) }
      if bounds.count == 2, let first = bounds[0], let end = bounds[1] {
        isInside = (first..<end).contains(UInt(bitPattern: address))
      } else if isInside, line.hasPrefix("VmFlags:") {
        return line.split(separator: " ").map(String.init)
      }
    }
    return []
  }

  /// Memory that nobody has told the system anything about.
  private func map(_ byteCount: Int) throws -> UnsafeMutableRawPointer {
    let block = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    return try #require(block != MAP_FAILED ? block : nil)
  }

  @Test func areAskedForBehindLargeBlocksAlone() throws {
    for (bytes, isLarge) in [(1 << 23, true), (1 << 21, false)] {
      let block = try map(bytes)
      defer { munmap(block, bytes) }
      SystemMemory.useLargePages(for: block, byteCount: bytes)
      #expect(try flags(at: block + bytes / 2).contains("hg") == isLarge)
    }
  }

  @Test func whatIsGivenBackIsZeroAndStaysSmall() throws {
    let (bytes, page) = (1 << 23, 1 << 12)
    let block = try map(bytes)
    defer { munmap(block, bytes) }
    SystemMemory.useLargePages(for: block, byteCount: bytes)
    block.initializeMemory(as: UInt8.self, repeating: 7, count: bytes)
    let (first, count) = (page + 100, 3 * page)
    SystemMemory.release(block + first, byteCount: count)
    let values = UnsafeRawBufferPointer(start: block, count: bytes)
    let gone = 2 * page..<4 * page
    let isRight = values.indices.allSatisfy { values[$0] == (gone.contains($0) ? 0 : 7) }
    #expect(isRight)
    #expect(try flags(at: block + gone.lowerBound).contains("nh"))
    #expect(try flags(at: block + gone.upperBound).contains("hg"))
  }
}
