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
    order.map { read(as: $0).assumingMemoryBound(to: Float.self) } ?? read()
  }

  package func overwrite(in order: (any PackedLayout)?) -> UnsafeMutablePointer<Float> {
    order.map { overwrite(as: $0).assumingMemoryBound(to: Float.self) } ?? overwrite()
  }

  package func update(in order: (any PackedLayout)?) -> UnsafeMutablePointer<Float> {
    order.map { update(as: $0).assumingMemoryBound(to: Float.self) } ?? update()
  }

  /// Ones everywhere, padding included, in this order: for trials of speed.
  package func fill(in order: (any PackedLayout)?) {
    overwrite(in: order).update(repeating: 1, count: extent(in: order))
  }
}
