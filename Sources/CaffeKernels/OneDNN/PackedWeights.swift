/// The weights of one pass in the layout its primitive chose, copied from the plain ones when told.
final class PackedWeights {
  let layout: OneDNNMemoryLayout
  private lazy var copy = AlignedBuffer(byteCount: layout.byteCount)
  private var isPacked = false

  init(layout: OneDNNMemoryLayout) {
    self.layout = layout
  }

  /// The weights as the primitive reads them; the plain ones themselves if it chose that order.
  ///
  /// - Parameter unchanged: the weights are those of the last call, so its copy may be used again.
  func read(_ plain: UnsafePointer<Float>, unchanged: Bool) -> UnsafeRawPointer {
    if layout.isPlain { return UnsafeRawPointer(plain) }
    if !(unchanged && isPacked) {
      layout.pack(plain, into: copy.pointer)
      isPacked = true
    }
    return UnsafeRawPointer(copy.pointer)
  }
}
