import CaffeCore
import CaffeKernels

/// The order in which a layer with constants per channel runs over a tensor: the tensor's own where
/// its channels lie evenly in it, else the plain one.
struct ChannelOrder {
  let layout: (any PackedLayout)?
  let extents: ChannelExtents

  /// - Parameter plain: how the layer's channels lie in plain order.
  init(of tensor: Tensor, plain: ChannelExtents) {
    let shape = tensor.shape
    if let layout = tensor.layout, let packed = layout.channelExtents, shape.axes > 1,
      plain.outer == shape[0], plain.channels == shape[1]
    {
      (self.layout, extents) = (layout, packed)
    } else {
      (layout, extents) = (nil, plain)
    }
  }
}
