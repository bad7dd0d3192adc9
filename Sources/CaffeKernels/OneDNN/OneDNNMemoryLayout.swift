import CaffeKernelsC
import Synchronization

/// An order in memory that a oneDNN primitive chose, or one of the two that have a name.
package final class OneDNNMemoryLayout: PackedLayout, CustomStringConvertible {
  let descriptor: MemoryDescriptor
  package let isPlain: Bool
  package let byteCount: Int
  /// The tensor's extents, which do not depend on the order.
  package let extents: [Int]
  /// The second axis is contiguous, and that is another order than the plain one.
  package let isChannelsLast: Bool
  package let channelRuns: ChannelRuns?
  /// The same order for float32 values, if those of this one are not.
  private let widened: OneDNNMemoryLayout?
  private let pairs: ck_pairs?
  private let conversions = Mutex(Conversions())

  /// Made at first use: most layouts only travel from one primitive to the next.
  private struct Conversions: ~Copyable {
    var pack: Reorder?
    var unpack: Reorder?
  }

  convenience init(_ descriptor: MemoryDescriptor) {
    self.init(
      descriptor,
      widened: descriptor.holds(.float32) ? nil : OneDNNMemoryLayout(descriptor.holding(.float32)))
  }

  private init(_ descriptor: MemoryDescriptor, widened: OneDNNMemoryLayout?) {
    self.descriptor = descriptor
    self.widened = widened
    pairs = descriptor.pairs
    extents = descriptor.extents
    byteCount = descriptor.byteCount
    isPlain = Self.isEqual(descriptor, .plain)
    isChannelsLast = !isPlain && Self.isEqual(descriptor, .channelsLast)
    channelRuns = Self.channelRuns(descriptor, isChannelsLast: isChannelsLast)
  }

  private static func isEqual(
    _ descriptor: MemoryDescriptor, _ order: MemoryDescriptor.Order
  ) -> Bool {
    (try? MemoryDescriptor(descriptor.extents, order)).map(descriptor.isEqual) ?? false
  }

  private static func channelRuns(
    _ descriptor: MemoryDescriptor, isChannelsLast: Bool
  ) -> ChannelRuns? {
    let extents = descriptor.extents
    guard extents.count > 2, descriptor.holds(.float32),
      let blocking = descriptor.channelBlocking
    else { return nil }
    if isChannelsLast { return ChannelRuns(planes: extents[0], run: extents[1]) }
    let block = blocking.block
    guard block > 1 else { return nil }
    let blocks = (extents[1] + block - 1) / block
    var stride = block
    for axis in [Int](extents.indices.dropFirst(2).reversed()) + [1, 0] {
      let steps = axis == 1 ? blocks : extents[axis]
      guard steps == 1 || blocking.strides[axis] == stride else { return nil }
      stride *= steps
    }
    return ChannelRuns(planes: extents[0] * blocks, run: block)
  }

  package var channelExtents: ChannelExtents? {
    guard let channelRuns else { return nil }
    let (extents, run) = (extents, channelRuns.run)
    let inner = extents[2...].reduce(1, *)
    if isChannelsLast { return ChannelExtents(outer: extents[0] * inner, channels: run) }
    guard 64 % run == 0, extents[1] % run == 0 else { return nil }
    return ChannelExtents(outer: extents[0], channels: extents[1], inner: inner, block: run)
  }

  /// Row-major, as Caffe shows every blob.
  package static func plain(_ extents: [Int]) throws -> OneDNNMemoryLayout {
    OneDNNMemoryLayout(try MemoryDescriptor(extents, .plain))
  }

  /// The second axis is contiguous: NHWC for four axes.
  package static func channelsLast(_ extents: [Int]) throws -> OneDNNMemoryLayout {
    OneDNNMemoryLayout(try MemoryDescriptor(extents, .channelsLast))
  }

  /// Channels in blocks, the last one filled up with zeros: nChw16c for four axes and blocks of 16.
  ///
  /// - Throws: `EngineRefusal` for other blocks than 4, 8 and 16, or other axes than 3 to 5.
  package static func blocked(_ extents: [Int], by block: Int) throws -> OneDNNMemoryLayout {
    OneDNNMemoryLayout(try MemoryDescriptor(extents, .blocked(block)))
  }

  package var isRounded: Bool { widened != nil }
  package var exact: OneDNNMemoryLayout { widened ?? self }
  package var rounded: OneDNNMemoryLayout {
    isRounded ? self : OneDNNMemoryLayout(descriptor.holding(.bfloat16), widened: self)
  }

  package func resized(to extents: [Int]) -> (any PackedLayout)? {
    if let widened { return widened.resized(to: extents)?.rounded }
    guard let channelRuns, extents.count == self.extents.count else { return nil }
    let order =
      isChannelsLast ? .channelsLast : MemoryDescriptor.Order.blocked(channelRuns.run)
    return (try? MemoryDescriptor(extents, order)).map(OneDNNMemoryLayout.init)
  }

  /// This order for another number of items, `nil` where it has no name.
  package func ofItems(_ count: Int) -> OneDNNMemoryLayout? {
    if count == extents[0] { return self }
    let extents = [count] + extents[1...]
    return isPlain ? try? .plain(extents) : resized(to: extents) as? OneDNNMemoryLayout
  }

  package func resized(channels: Int) -> (any PackedLayout)? {
    if let widened { return widened.resized(channels: channels)?.rounded }
    guard let channelExtents, channels > 0, channels % channelExtents.block == 0 else { return nil }
    var extents = extents
    extents[1] = channels
    return resized(to: extents)
  }

  package func isEqual(to other: any PackedLayout) -> Bool {
    guard let other = other as? OneDNNMemoryLayout else { return false }
    return self === other || descriptor.isEqual(to: other.descriptor)
  }

  /// Padding becomes zero. `packed` must not overlap `plain`.
  package func pack(_ plain: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer) {
    pack(plain, into: packed) { _ in }
  }

  /// The same; `done` is called for values that are packed, in order. A matrix by pairs comes in parts of
  /// 16 MB.
  func pack(
    _ plain: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer,
    then done: (_ values: Range<Int>) -> Void
  ) {
    if let pairs { return round(plain, by: pairs, into: packed, then: done) }
    let reorder = conversions.withLock { [descriptor] in
      let reorder = $0.pack ?? Self.reorder(between: descriptor, packing: true)
      $0.pack = reorder
      return reorder
    }
    reorder.run(plain, into: packed)
    done(0..<extents.reduce(1, *))
  }

  /// AlexNet's weights took 31 ms by oneDNN's reorder, and take some 17.
  private func round(
    _ plain: UnsafePointer<Float>, by pairs: ck_pairs, into packed: UnsafeMutableRawPointer,
    then done: (_ values: Range<Int>) -> Void
  ) {
    let blocks = (pairs.rows + pairs.block_rows - 1) / pairs.block_rows
    let step = max(1, (1 << 22) / (pairs.columns * pairs.block_rows))
    for block in stride(from: 0, to: blocks, by: step) {
      let first = block * pairs.block_rows
      var part = pairs
      part.rows = min(step * pairs.block_rows, pairs.rows - first)
      ck_round_pairs(
        &part, plain + first * pairs.columns,
        (packed + block * (byteCount / blocks)).assumingMemoryBound(to: UInt16.self))
      done(first * pairs.columns..<(first + part.rows) * pairs.columns)
    }
  }

  package func unpack(_ packed: UnsafeRawPointer, into plain: UnsafeMutablePointer<Float>) {
    let reorder = conversions.withLock { [descriptor] in
      let reorder = $0.unpack ?? Self.reorder(between: descriptor, packing: false)
      $0.unpack = reorder
      return reorder
    }
    reorder.run(packed, into: plain)
  }

  private static func reorder(between packed: MemoryDescriptor, packing: Bool) -> Reorder {
    do {
      let plain = try MemoryDescriptor(packed.extents, .plain)
      return try Reorder(from: packing ? plain : packed, to: packing ? packed : plain)
    } catch {
      preconditionFailure("oneDNN reorders every layout its primitives choose: \(error)")
    }
  }

  /// Extents and order, as in `[64, 20, 24, 24] blocked by 16 channels`.
  package var description: String { "\(extents) \(orderName)" }

  package var orderName: String {
    switch descriptor.channelBlocking {
    case _ where widened != nil: "\(exact.orderName), bfloat16"
    case _ where isPlain: "plain"
    case _ where isChannelsLast: "channels last"
    case nil: "packed"
    case let blocking?: "blocked by \(blocking.block) channels"
    }
  }
}
