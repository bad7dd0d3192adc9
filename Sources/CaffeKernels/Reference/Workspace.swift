/// Scratch floats that grow to the largest size asked for and stay.
package struct Workspace: ~Copyable {
  private var storage: UnsafeMutableBufferPointer<Float>?

  package init() {}

  deinit { storage?.deallocate() }

  package var capacity: Int { storage?.count ?? 0 }

  /// At least `count` floats, 64-byte aligned, of no particular value.
  package mutating func reserve(_ count: Int) -> UnsafeMutablePointer<Float> {
    if let storage, let base = storage.baseAddress, storage.count >= count { return base }
    storage?.deallocate()
    let bytes = max(1, count) * MemoryLayout<Float>.stride
    let raw = SystemMemory.block(bytes, alignment: 64)
    let base = raw.bindMemory(to: Float.self, capacity: max(1, count))
    storage = UnsafeMutableBufferPointer(start: base, count: max(1, count))
    return base
  }
}
