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
  ///   - model: values that the layer runs over too; the order is rounded if they are.
  init(of tensor: Tensor, plain: ChannelExtents, inPrecisionOf model: Tensor? = nil) {
    let shape = tensor.shape
    if let layout = tensor.layout, let packed = layout.channelExtents, shape.axes > 1,
      plain.outer == shape[0], plain.channels == shape[1]
    {
      (self.layout, extents) = (model.map { layout.inPrecision(of: $0) } ?? layout, packed)
    } else {
      (layout, extents) = (nil, plain)
    }
  }

  var isRounded: Bool { layout?.isRounded ?? false }

  /// Adds what each channel of `gradient` sums up to: the gradient of a bias per channel.
  static func addSums(of gradient: Tensor, plain: ChannelExtents, to bias: Tensor) {
    let order = ChannelOrder(of: gradient, plain: plain)
    ChannelKernel.addSums(gradient.read(in: order.layout), over: order.extents, into: bias.update())
  }
}

extension PackedLayout {
  fileprivate func inPrecision(of model: Tensor) -> any PackedLayout {
    guard let stored = model.storedLayout, stored.isRounded else { return self }
    return stored.exact.isEqual(to: self) ? stored : rounded
  }
}
