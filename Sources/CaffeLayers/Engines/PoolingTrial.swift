import CaffeCore
import CaffeKernels

/// A pooling as a net uses it, on blobs of its own: both passes, in the order of the bottom.
final class PoolingTrial {
  private let operation: any PoolingOperation
  private let order: (any PackedLayout)?
  private let isTrained: Bool
  private let bottom: Blob
  private let top: Blob

  init(
    _ operation: any PoolingOperation, bottom: Tensor, topShape: Shape, isTrained: Bool
  ) throws {
    self.operation = operation
    self.isTrained = isTrained
    order = bottom.layout
    self.bottom = Blob("bottom", bottom.shape)
    top = Blob("top", topShape)
    self.bottom.data.fill(in: order)
    top.diff.fill(in: order?.resized(to: topShape.dimensions))
  }

  func run() {
    operation.forward(bottom.data, pass: 0, into: top.data, mask: nil)
    if isTrained { operation.backward(top.diff, into: bottom.diff) }
  }
}
