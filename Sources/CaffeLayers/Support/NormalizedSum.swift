import CaffeCore
import CaffeKernels

/// What the end of a residual block does in one pass over memory: a BatchNorm (with its Scale), the sum
/// with the other branch, and on the way back the Split above it, the ReLU and both gradients.
///
/// Only where nobody can look: the normalised values and the summed gradient are never written.
struct NormalizedSum {
  private let norm: BatchNormLayer
  /// What is added to the normalised values.
  private let other: Blob
  private let top: Blob
  private let isRectified: Bool
  private let split: SplitLayer?

  /// - Parameter eltwise: a layer that adds its two bottoms.
  /// - Returns: `nil` if none of the bottoms comes straight from a BatchNorm.
  init?(of eltwise: Layer, isRectified: Bool) {
    let gradients = eltwise.propagateDown
    guard eltwise.makers.count == 2, gradients[0] == gradients[1],
      let index = eltwise.makers.firstIndex(where: { BatchNormLayer.last(of: $0) != nil }),
      let norm = BatchNormLayer.last(of: eltwise.makers[index]),
      norm.propagateDown[0] == gradients[0], gradients[0] || norm.isInPlace
    else { return nil }
    self.norm = norm
    self.isRectified = isRectified
    other = eltwise.bottom[1 - index]
    top = eltwise.top[0]
    let split = gradients[0] ? eltwise.split as? SplitLayer : nil
    self.split = split.flatMap { $0.gradients.isEmpty ? nil : $0 }
    eltwise.fuse([.forward, .backward], of: norm)
    if let split = self.split { eltwise.fuse(.backward, of: split) }
  }

  /// The order in which the sum is written.
  var order: (any PackedLayout)? { norm.order(adding: other.data).layout }

  func forward() {
    norm.forward(adding: other.data, isRectified: isRectified, into: top.data)
  }

  func backward() {
    let parts = split?.gradients ?? [top.diff]
    let sum = other.diff
    parts[0].moveValues(to: sum)
    let middle = parts.dropFirst().dropLast()
    if !middle.isEmpty {
      let order = sum.layout
      let values = sum.update(in: order)
      let sources = [UnsafePointer(values)] + middle.map { $0.read(in: order) }
      Blocks.sum(sources, count: sum.extent(in: order), into: values)
    }
    norm.backward(
      joining: parts.dropFirst().last, to: sum, where: isRectified ? top.data : nil)
    for part in parts { part.discard() }
  }
}
