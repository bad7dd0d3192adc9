/// The weights of one pass in the layout its primitive chose, copied from the plain ones when told.
final class PackedWeights {
  let layout: OneDNNMemoryLayout
  private lazy var copy = AlignedBuffer(byteCount: layout.byteCount)
  /// The forward pass's copy, whose reader is the first to learn of new weights.
  private let leader: PackedWeights?
  /// How often new weights were announced here.
  private var announced = 0
  /// The announcements, the leader's included, that the copy has seen; nil before the first copy.
  private var copied: Int?

  init(layout: OneDNNMemoryLayout, following leader: PackedWeights? = nil) {
    self.layout = layout
    self.leader = leader
  }

  /// The weights as the primitive reads them; the plain ones themselves if it chose that order.
  ///
  /// - Parameter unchanged: the weights are those of the last call here or at the leader, so a copy
  ///   made since then may be used again.
  func read(_ plain: UnsafePointer<Float>, unchanged: Bool) -> UnsafeRawPointer {
    if !unchanged { announced += 1 }
    if layout.isPlain { return UnsafeRawPointer(plain) }
    let newest = (leader?.announced ?? 0) + announced
    if copied != newest {
      layout.pack(plain, into: copy.pointer)
      copied = newest
    }
    return UnsafeRawPointer(copy.pointer)
  }
}
