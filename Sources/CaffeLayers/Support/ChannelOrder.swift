import CaffeCore
import CaffeKernels

/// The order in which a layer with constants per channel runs over a tensor: the tensor's own where
/// its channels lie evenly in it, else the plain one.
///
/// `layout` may be of rounded values if the layer takes them.
struct ChannelOrder {
  let layout: (any PackedLayout)?
  let extents: ChannelExtents

  /// - Parameters:
  ///   - plain: how the layer's channels lie in plain order.
  ///   - rounded: whether the layer runs over rounded values.
  init(of tensor: Tensor, plain: ChannelExtents, rounded: Bool = false) {
    let shape = tensor.shape
    if let layout = tensor.layout, let packed = layout.channelExtents, shape.axes > 1,
      plain.outer == shape[0], plain.channels == shape[1]
    {
      (self.layout, extents) = (rounded ? layout.rounded : layout, packed)
    } else {
      (layout, extents) = (nil, plain)
    }
  }

  var isRounded: Bool { layout?.isRounded ?? false }
}
