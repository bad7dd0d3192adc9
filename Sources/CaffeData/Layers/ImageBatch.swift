import CaffeCore
import CaffeErrors

/// Transformed images, one after the other, and their labels: what a data layer hands to its tops.
struct ImageBatch: Sendable {
  /// Of each item.
  private(set) var extents: DataTransformer.Extents
  /// `[items, channels, height, width]`.
  private(set) var values: [Float]
  var labels: [Float]

  init(count: Int, extents: DataTransformer.Extents) {
    self.extents = extents
    values = Array(repeating: 0, count: count * extents.count)
    labels = Array(repeating: 0, count: count)
  }

  /// The shape of a batch; throws if it has more values than a blob may have.
  static func shape(count: Int, _ extents: DataTransformer.Extents) throws -> Shape {
    try Shape([count, extents.channels, extents.height, extents.width])
  }

  /// Makes room for items of other extents. What items hold after that is undefined.
  mutating func fit(_ extents: DataTransformer.Extents) {
    if extents.count != self.extents.count {
      values = Array(repeating: 0, count: labels.count * extents.count)
    }
    self.extents = extents
  }

  /// Lets `body` write the values of one item.
  mutating func write(
    _ item: Int, _ body: (UnsafeMutableBufferPointer<Float>) throws -> Void
  ) rethrows {
    let size = extents.count
    try values.withUnsafeMutableBufferPointer {
      try body(UnsafeMutableBufferPointer(rebasing: $0[item * size..<(item + 1) * size]))
    }
  }
}

/// Makes the n-th batch of a data layer: a function of `number` and the settings alone, whatever was
/// made before.
protocol ImageBatchSource: AnyObject, Sendable {
  var batchSize: Int { get }
  /// What the items of the first batch become.
  var firstExtents: DataTransformer.Extents { get }
  /// How many records an epoch has; `nil` for a source without epochs.
  var recordCount: Int? { get throws }
  /// Overwrites a batch of `batchSize` items. Called by one thread at a time.
  func fill(_ batch: inout ImageBatch, number: Int) throws
}
