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
  private var copy: Tensor?

  /// To be called by `reshape`.
  ///
  /// - Parameter isNeeded: whether a backward pass will ask for the values.
  mutating func prepare(for layer: Layer, isNeeded: Bool) {
    copy = isNeeded && layer.isInPlace ? Tensor(layer.bottom[0].shape) : nil
  }

  /// To be called by `forward`, before it writes.
  func keep(_ input: Tensor, in order: (any PackedLayout)? = nil) {
    guard let copy else { return }
    Vector.copy(
      input.read(in: order), count: input.extent(in: order), into: copy.overwrite(in: order))
  }

  /// What the layer read.
  func values(of bottom: Tensor) -> Tensor { copy ?? bottom }
}
