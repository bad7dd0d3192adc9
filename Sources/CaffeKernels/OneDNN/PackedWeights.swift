/// The weights of a pass in the layout its primitive chose, copied from the plain ones when they changed.
final class PackedWeights {
  let layout: OneDNNMemoryLayout
  private lazy var buffer = AlignedBuffer(byteCount: layout.byteCount)
  /// Of which weights the copy is; nil if it must not serve again.
  private var copied: Int?

  private init(layout: OneDNNMemoryLayout) { self.layout = layout }

  /// Those of another pass if they are in this order, so that they are copied once.
  static func ordered(
    _ layout: OneDNNMemoryLayout, sharing other: PackedWeights? = nil
  ) -> PackedWeights {
    if let other, other.layout.isEqual(to: layout) { return other }
    return PackedWeights(layout: layout)
  }

  /// Whether there is a copy, so that the weights can be had back: as they were or, where they are multiplied
  /// as bfloat16, rounded, which makes the same copy again.
  var isCopied: Bool { copied != nil }

  /// Puts the copy's values back into plain order.
  ///
  /// - Precondition: `isCopied`.
  func unpack(into plain: UnsafeMutablePointer<Float>) {
    precondition(isCopied, "no copy of the weights")
    layout.unpack(buffer.pointer, into: plain)
  }

  /// Makes the copy of these weights, and calls `done` for values of which it is made, in order.
  func copy(
    _ plain: UnsafePointer<Float>, revision: Int?,
    then done: (_ values: Range<Int>) -> Void = { _ in }
  ) {
    layout.pack(plain, into: buffer.pointer, then: done)
    copied = revision
  }

  /// The weights as the primitive reads them; the plain ones themselves if it chose that order.
  ///
  /// - Parameters:
  ///   - plain: asked for only where there is no copy of this revision.
  ///   - revision: another number for other values; nil if that is not known.
  func read(
    _ plain: @autoclosure () -> UnsafePointer<Float>, revision: Int?
  ) -> UnsafeRawPointer {
    if layout.isPlain { return UnsafeRawPointer(plain()) }
    if revision == nil || copied != revision { copy(plain(), revision: revision) }
    return UnsafeRawPointer(buffer.pointer)
  }
}
