/// Memory an operation keeps between its runs (packed weights, workspaces), zero at first.
final class AlignedBuffer {
  let pointer: UnsafeMutableRawPointer
  let byteCount: Int

  init(byteCount: Int) {
    self.byteCount = byteCount
    pointer = .allocate(byteCount: max(byteCount, 64), alignment: 64)
    LargePages.ask(for: pointer, byteCount: byteCount)
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: max(byteCount, 64))
  }

  deinit {
    pointer.deallocate()
  }

  var floats: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }
}
