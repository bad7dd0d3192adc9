import CaffeKernels

/// The memory behind one or more tensors: a plain copy, a packed copy, or both.
///
/// Like the CPU and GPU copies in BVLC Caffe's `SyncedMemory`, each copy is made when it is first
/// asked for and converted only when the other one is newer. Not thread-safe.
package final class Storage {
  private enum Newest { case plain, packed, both }

  private(set) var count: Int
  private var plain: MemoryBlock?
  /// Without memory as long as the order is only announced.
  private var packed: (layout: any PackedLayout, memory: MemoryBlock?)?
  private var newest = Newest.plain
  /// How often values were moved between plain and packed order.
  private(set) var conversions = 0
  /// Rises whenever the values may have changed.
  private(set) var revision = 0
  /// Where memory comes from and goes back to; `nil` for memory of one's own.
  var pool: MemoryPool?

  init(count: Int) { self.count = count }

  deinit { discard() }

  /// The layout in which the newest values are, `nil` if that is the plain one.
  var layout: (any PackedLayout)? { newest == .plain ? nil : packed?.layout }

  var byteCount: Int { (plain?.byteCount ?? 0) + (packed?.memory?.byteCount ?? 0) }

  func readPlain() -> UnsafeMutablePointer<Float> {
    let isNew = plain == nil
    let pointer = plainPointer()
    if isNew, newest == .plain, pool != nil { pointer.update(repeating: 0, count: count) }
    if newest == .packed, let packed {
      packed.layout.unpack(packedMemory(packed.layout), into: pointer)
      conversions += 1
      newest = .both
    }
    return pointer
  }

  func overwritePlain() -> UnsafeMutablePointer<Float> {
    revision += 1
    newest = .plain
    return plainPointer()
  }

  func updatePlain() -> UnsafeMutablePointer<Float> {
    revision += 1
    return updateWindow()
  }

  /// As `updatePlain`, for a window that counts its own changes.
  func updateWindow() -> UnsafeMutablePointer<Float> {
    let pointer = readPlain()
    newest = .plain
    return pointer
  }

  func read(as layout: any PackedLayout) -> UnsafeMutableRawPointer {
    if newest != .plain, let packed {
      if packed.layout.isEqual(to: layout) { return packedMemory(packed.layout) }
      if packed.layout.exact.isEqual(to: layout.exact) { return changePrecision(to: layout) }
    }
    let values = readPlain()
    let memory = packedMemory(layout)
    layout.pack(values, into: memory)
    conversions += 1
    newest = .both
    return memory
  }

  /// Rounds or widens the packed copy, which stays in its order.
  private func changePrecision(to layout: any PackedLayout) -> UnsafeMutableRawPointer {
    let old = packed?.memory
    packed?.memory = nil
    let target = packedMemory(layout)
    if let old {
      let count = layout.exact.byteCount / MemoryLayout<Float>.stride
      if layout.isRounded {
        BFloat16.round(old.pointer, count: count, into: target)
      } else {
        BFloat16.widen(old.pointer, count: count, into: target)
      }
      pool?.give(old)
    }
    conversions += 1
    return target
  }

  func overwrite(as layout: any PackedLayout) -> UnsafeMutableRawPointer {
    revision += 1
    let memory = packedMemory(layout)
    newest = .packed
    return memory
  }

  /// Says in which order the values will be written, `nil` for plain; until then they are undefined.
  func announce(_ layout: (any PackedLayout)?) {
    revision += 1
    newest = layout == nil ? .plain : .packed
    if let layout { packed = (layout, packed?.memory) }
  }

  func update(as layout: any PackedLayout) -> UnsafeMutableRawPointer {
    revision += 1
    let memory = read(as: layout)
    newest = .packed
    return memory
  }

  /// Makes room for another number of values, for every tensor that shares this storage. What the
  /// values are afterwards is undefined. Memory never shrinks, so moving between batch sizes is free.
  func resize(to count: Int) {
    if count == self.count { return }
    revision += 1
    self.count = count
    newest = .plain
  }

  /// Exchanges the memory with that of `other`, which has as many values and the same pool.
  func exchange(with other: Storage) {
    precondition(pool === other.pool, "memory of another pool")
    revision += 1
    other.revision += 1
    swap(&plain, &other.plain)
    swap(&packed, &other.packed)
    swap(&newest, &other.newest)
  }

  /// Gives the memory back to the pool, if it is from one; the values are zeros from then on.
  func discard() {
    guard pool != nil else { return }
    revision += 1
    letGo()
  }

  /// Gives the memory back, to the pool or to the system; the values are undefined from then on.
  func letGo() {
    if let plain { pool?.give(plain) }
    if let memory = packed?.memory { pool?.give(memory) }
    (plain, packed, newest) = (nil, nil, .plain)
  }

  /// Gives the memory of a part of the plain values back to the system; they are undefined from then on.
  func letGo(_ part: Range<Int>) {
    let size = MemoryLayout<Float>.stride
    plain?.owned?.release(part.lowerBound * size..<part.upperBound * size)
  }

  private func newMemory(_ byteCount: Int, insteadOf old: MemoryBlock?) -> MemoryBlock {
    guard let pool else { return MemoryBlock(byteCount: byteCount) }
    if let old { pool.give(old) }
    return pool.take(byteCount)
  }

  private func plainPointer() -> UnsafeMutablePointer<Float> {
    let byteCount = count * MemoryLayout<Float>.stride
    if let plain, plain.byteCount >= byteCount {
      return plain.pointer.assumingMemoryBound(to: Float.self)
    }
    let memory = newMemory(byteCount, insteadOf: plain)
    plain = memory
    return memory.pointer.assumingMemoryBound(to: Float.self)
  }

  private func packedMemory(_ layout: any PackedLayout) -> UnsafeMutableRawPointer {
    if let memory = packed?.memory, memory.byteCount >= layout.byteCount {
      packed = (layout, memory)
      return memory.pointer
    }
    let memory = newMemory(layout.byteCount, insteadOf: packed?.memory)
    packed = (layout, memory)
    return memory.pointer
  }
}
