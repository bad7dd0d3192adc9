import CaffeCore
import CaffeKernels

/// A pooling as a net uses it: both passes, in the order of the bottom.
struct PoolingTrial: SpeedChoices.Trial {
  let operation: any PoolingOperation
  /// Whose values and gradients are not the net's.
  let bottom: Blob
  let top: Blob
  /// Of the bottom.
  let order: (any PackedLayout)?
  let isTrained: Bool

  func begin() {
    bottom.data.fill(in: order)
    if isTrained { top.diff.fill(in: order?.resized(to: top.shape.dimensions)) }
  }

  func run() {
    operation.forward(bottom.data, pass: 0, into: top.data, mask: nil)
    if isTrained { operation.backward(top.diff, into: bottom.diff) }
  }
}
