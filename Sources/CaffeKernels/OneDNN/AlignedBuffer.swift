import Glibc

/// Memory an operation keeps between its runs (packed weights, workspaces), zero at first.
final class AlignedBuffer {
  private static let alignment = 64

  let pointer: UnsafeMutableRawPointer
  let byteCount: Int
  private let block: UnsafeMutableRawPointer

  /// Ends the program where the system grants no memory.
  init(byteCount: Int) {
    self.byteCount = byteCount
    guard let block = SystemMemory.zeros(byteCount + Self.alignment) else {
      SystemMemory.exhausted(byteCount)
    }
    self.block = block
    pointer = block.alignedUp(toMultipleOf: Self.alignment)
  }

  deinit { free(block) }

  var floats: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }
}
