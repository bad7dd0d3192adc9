/// An order of a tensor's values in memory other than row-major NCHW: what a oneDNN primitive asked for.
///
/// The values are float32 or, in a rounded order, bfloat16, of which nobody is told where channels lie: who
/// takes such values asks the exact order. Two layouts are equal when their bytes mean the same.
package protocol PackedLayout: AnyObject, Sendable {
  /// Of the tensors that lie so.
  var extents: [Int] { get }
  /// Bytes a tensor takes in this layout, padding included.
  var byteCount: Int { get }
  /// In a word or two: `channels last`.
  var orderName: String { get }
  /// Whether the values are bfloat16.
  var isRounded: Bool { get }
  /// This order for float32 values.
  var exact: Self { get }
  /// This order for bfloat16 values.
  var rounded: Self { get }
  /// Plain and packed orders are the same bytes: no conversion is ever needed.
  var isPlain: Bool { get }
  /// How the channels of `[n, channels, spatial…]` lie, `nil` where they are padded or scattered.
  var channelExtents: ChannelExtents? { get }
  /// How the channels of each cell lie, padded ones too; `nil` where they are scattered.
  var channelRuns: ChannelRuns? { get }
  /// This order for other extents, `nil` where it has no name.
  func resized(to extents: [Int]) -> (any PackedLayout)?
  /// This order for another number of channels, `nil` where those would be padded or are scattered.
  func resized(channels: Int) -> (any PackedLayout)?
  func isEqual(to other: any PackedLayout) -> Bool
  func pack(_ plain: UnsafePointer<Float>, into packed: UnsafeMutableRawPointer)
  func unpack(_ packed: UnsafeRawPointer, into plain: UnsafeMutablePointer<Float>)
}

/// `[planes, spatial…, run]`: runs of channels side by side, cell after cell. Channels-last has a plane
/// for each item and all channels in a run, blocks of channels a plane for each block.
package struct ChannelRuns: Hashable, Sendable {
  package let planes: Int
  package let run: Int

  package init(planes: Int, run: Int) {
    self.planes = planes
    self.run = run
  }
}
