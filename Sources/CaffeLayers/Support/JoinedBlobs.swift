import CaffeCore
import CaffeErrors
import CaffeKernels

/// Blobs that lie one behind the other along an axis of a larger one: the bottoms of a Concat, the tops
/// of a Slice.
///
/// They are copied in the packed order in which they come, where the axis is that of the channels and no
/// blob would be padded; else in the plain one.
final class JoinedBlobs {
  /// How the parts lie in the whole: `rows` rows, in each a run of `extent` floats of every part.
  struct Order {
    let layout: (any PackedLayout)?
    let rows: Int
    let stride: Int
    let parts: [Part]
  }

  struct Part {
    let layout: (any PackedLayout)?
    let offset: Int
    let extent: Int
  }

  private let axis: Int
  private let shapes: [Shape]
  private let whole: Shape
  private let plain: Order
  /// Those found so far, each with the layout of a blob for which it was; a layout keeps what it needs
  /// for conversions.
  private var packed: [(like: any PackedLayout, order: Order)] = []

  /// - Parameter axis: not negative.
  init(_ parts: [Blob], along axis: Int, in whole: Blob) {
    self.axis = axis
    shapes = parts.map(\.shape)
    self.whole = whole.shape
    plain = Order(
      layout: nil, rows: self.whole.count(before: axis), stride: self.whole.count(from: axis),
      parts: Self.parts(shapes.map { (nil, $0.count(from: axis)) }))
  }

  private static func parts(
    _ runs: [(layout: (any PackedLayout)?, extent: Int)]
  ) -> [Part] {
    var offset = 0
    return runs.map { run in
      defer { offset += run.extent }
      return Part(layout: run.layout, offset: offset, extent: run.extent)
    }
  }

  /// The order of the first of these tensors in which whole and parts can all lie.
  func order(like tensors: [Tensor]) -> Order {
    guard axis == 1 else { return plain }
    for tensor in tensors {
      guard let like = tensor.layout else { continue }
      if let known = packed.first(where: { $0.like === like }) { return known.order }
      guard let layout = like.resized(channels: whole[1]), let order = order(layout) else {
        continue
      }
      packed.append((like, order))
      return order
    }
    return plain
  }

  private func order(_ layout: any PackedLayout) -> Order? {
    guard let extents = layout.channelExtents else { return nil }
    let runs = shapes.compactMap { shape -> (layout: (any PackedLayout)?, extent: Int)? in
      guard let part = layout.resized(channels: shape[1]), let extents = part.channelExtents else {
        return nil
      }
      return (part, extents.channels * extents.inner)
    }
    guard runs.count == shapes.count else { return nil }
    return Order(
      layout: layout, rows: extents.outer, stride: extents.channels * extents.inner,
      parts: Self.parts(runs))
  }

  /// Copies the parts to their places; `parts` and `whole` are the values or gradients of the blobs.
  func join(_ parts: [Tensor], into whole: Tensor) {
    join(parts, in: order(like: parts), into: whole)
  }

  /// - Parameter parts: `nil` for what is there already, in this order.
  func join(_ parts: [Tensor?], in order: Order, into whole: Tensor) {
    let output = whole.overwrite(in: order.layout)
    for (tensor, part) in zip(parts, order.parts) {
      guard let tensor else { continue }
      Blocks.copyRows(
        tensor.read(in: part.layout), stride: part.extent, rows: order.rows, extent: part.extent,
        into: output + part.offset, stride: order.stride)
    }
  }

  /// Copies the parts out of the whole; a part that is `nil` is not wanted.
  func split(_ whole: Tensor, into parts: [Tensor?]) {
    split(sumOf: [whole], into: parts, through: parts.map { _ in nil }, outputs: nil)
  }

  /// Copies the parts out of the sum of gradients of the whole.
  ///
  /// - Parameters:
  ///   - relus: for each part, the ReLU that its gradient passes, if there is one.
  ///   - outputs: the values of the whole, where there are ReLUs.
  func split(
    sumOf wholes: [Tensor], into parts: [Tensor?], through relus: [ReLULayer?], outputs: Tensor?
  ) {
    let order = order(like: wholes)
    let inputs = wholes.map { $0.read(in: order.layout) }
    let isGated = relus.contains { $0 != nil }
    let outputs = isGated ? outputs?.read(in: order.layout) : nil
    for (index, part) in order.parts.enumerated() {
      guard let tensor = parts[index] else { continue }
      let passed = relus[index].flatMap { relu in
        outputs.map { ($0 + part.offset, relu.slope) }
      }
      Blocks.sumRows(
        inputs.map { $0 + part.offset }, stride: order.stride, rows: order.rows,
        extent: part.extent, through: passed, into: tensor.overwrite(in: part.layout))
    }
  }
}
