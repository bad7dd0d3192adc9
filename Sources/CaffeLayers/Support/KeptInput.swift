import CaffeCore
import CaffeKernels

extension Layer {
  /// Whether the first top is the first bottom.
  var isInPlace: Bool { top.first === bottom.first && !top.isEmpty }

  /// Says in which order the first top will be written; in place, the bottom's maker has said it.
  func announceTop(in order: (any PackedLayout)?) {
    if !isInPlace { top[0].data.announce(order) }
  }
}

/// The first bottom as it was before the layer overwrote it in place, for a backward pass that needs
/// it. Where the layer does not run in place, this is the bottom itself and costs nothing.
struct KeptInput {
  private var moved: Tensor?

  /// To be called by `reshape`.
  ///
  /// - Parameter isNeeded: whether a backward pass will ask for the values.
  mutating func prepare(for layer: Layer, isNeeded: Bool) {
    moved = isNeeded && layer.isInPlace ? layer.bottom[0].data.companion() : nil
  }

  /// The bottom's values, out of the way of what the layer will write. To be called by `forward`,
  /// once, before it writes.
  func take(_ bottom: Tensor) -> Tensor {
    if let moved { bottom.moveValues(to: moved) }
    return values(of: bottom)
  }

  /// Says that no backward pass will ask again before the next forward pass. Blobs that do not take
  /// turns with memory keep their values all the same.
  func release() { moved?.discard() }

  /// Gives what the layer read to `gradient`, to be overwritten there: the processor has that memory at
  /// hand. Then nobody may ask for the values any more.
  ///
  /// - Returns: whether it was out of the way; otherwise it stays.
  func give(to gradient: Tensor) -> Bool {
    moved?.moveValues(to: gradient)
    return moved != nil
  }

  /// What the layer read.
  func values(of bottom: Tensor) -> Tensor { moved ?? bottom }
}
