import CaffeKernels

/// Access in whatever order another tensor has, for arithmetic that treats every value alike.
///
/// A packed order may pad the channels with zeros, which must stay zeros: only functions with
/// f(0) = 0 may run over it.
extension Tensor {
  /// How many floats the tensor takes in an order, padding included; `nil` means plain.
  package func extent(in order: (any PackedLayout)?) -> Int {
    order.map { $0.byteCount / MemoryLayout<Float>.stride } ?? count
  }

  /// Says in which order the values will be written, so that the layers above can prepare for it; takes
  /// no memory. What the values are until then is undefined.
  package func announce(_ order: (any PackedLayout)?) {
    storage.announce(order.flatMap { $0.isPlain ? nil : $0 })
  }

  package func read(in order: (any PackedLayout)?) -> UnsafePointer<Float> {
    readBytes(in: order).assumingMemoryBound(to: Float.self)
  }

  package func overwrite(in order: (any PackedLayout)?) -> UnsafeMutablePointer<Float> {
    overwriteBytes(in: order).assumingMemoryBound(to: Float.self)
  }

  package func update(in order: (any PackedLayout)?) -> UnsafeMutablePointer<Float> {
    updateBytes(in: order).assumingMemoryBound(to: Float.self)
  }

  /// Ones everywhere, padding included, in this order: for trials of speed.
  package func fill(in order: (any PackedLayout)?) {
    let exact = order?.exact
    overwrite(in: exact).update(repeating: 1, count: extent(in: exact))
    _ = updateBytes(in: order)
  }

  // Of values that are rounded in a rounded order.

  package func readBytes(in order: (any PackedLayout)?) -> UnsafeRawPointer {
    order.map { read(as: $0) } ?? UnsafeRawPointer(read())
  }

  package func overwriteBytes(in order: (any PackedLayout)?) -> UnsafeMutableRawPointer {
    order.map { overwrite(as: $0) } ?? UnsafeMutableRawPointer(overwrite())
  }

  package func updateBytes(in order: (any PackedLayout)?) -> UnsafeMutableRawPointer {
    order.map { update(as: $0) } ?? UnsafeMutableRawPointer(update())
  }
}
