import CaffeCore
import CaffeErrors

/// Transformed images, one after the other, and their labels: what a data layer hands to its tops.
struct ImageBatch: Sendable {
  /// How many items there are.
  let count: Int
  /// Of each item.
  private(set) var extents: DataTransformer.Extents
  /// `[items, channels, height, width]`.
  private(set) var values: [Float]
  /// `[items, labels of each]`.
  private(set) var labels: [Float]
  /// A sentence for each record that could not be used.
  private(set) var damage: [String] = []

  init(count: Int, extents: DataTransformer.Extents, labelsEach: Int) {
    self.count = count
    self.extents = extents
    values = Array(repeating: 0, count: count * extents.count)
    labels = Array(repeating: 0, count: count * labelsEach)
  }

  /// The shape of a batch; throws if it has more values than a blob may have.
  static func shape(count: Int, _ extents: DataTransformer.Extents) throws -> Shape {
    try Shape([count, extents.channels, extents.height, extents.width])
  }

  /// Makes room for items of other extents. What items hold after that is undefined.
  mutating func fit(_ extents: DataTransformer.Extents) {
    if extents.count != self.extents.count {
      values = Array(repeating: 0, count: count * extents.count)
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

  mutating func setLabels(_ new: [Float], of item: Int) {
    let each = labels.count / count
    precondition(new.count == each, "\(new.count) labels for an item that has \(each)")
    labels.replaceSubrange(item * each..<(item + 1) * each, with: new)
  }
}

// MARK: Damaged records

extension ImageBatch {
  /// Fills all items; `isFirst` says that nothing has been written yet.
  ///
  /// - Parameter skippingDamaged: an item for which `body` throws becomes a copy of the one before it
  ///   (the last, for the first), and the reason is added to `damage`. Which items a batch repeats
  ///   thus depends on its records alone.
  mutating func fill(
    skippingDamaged: Bool,
    _ body: (_ batch: inout ImageBatch, _ item: Int, _ isFirst: Bool) throws -> Void
  ) throws {
    damage.removeAll()
    var damaged: [Int] = []
    for item in 0..<count {
      do {
        try body(&self, item, damaged.count == item)
      } catch let error as CaffeError where skippingDamaged {
        damage.append("\(error)")
        damaged.append(item)
        guard damaged.count < count else {
          throw CaffeError("all \(count) records of a batch are damaged; the last: \(error)")
        }
      }
    }
    let sound = (0..<count).last { !damaged.contains($0) }
    for item in damaged { copy(item == 0 ? sound ?? 0 : item - 1, to: item) }
  }

  private mutating func copy(_ source: Int, to item: Int) {
    let size = extents.count
    let values = Array(values[source * size..<(source + 1) * size])
    write(item) { _ = $0.update(from: values) }
    let each = labels.count / count
    setLabels(Array(labels[source * each..<(source + 1) * each]), of: item)
  }
}

/// Makes the n-th batch of a data layer: a function of `number` and the settings alone, whatever was
/// made before.
protocol ImageBatchSource: AnyObject, Sendable {
  /// What a batch is made of.
  associatedtype Raw: Sendable = Void

  var batchSize: Int { get }
  /// What the items of the first batch become.
  var firstExtents: DataTransformer.Extents { get }
  /// How many labels an item has.
  var labelsEach: Int { get }
  /// How many records an epoch has; nil if there are no epochs.
  var recordCount: Int? { get throws }
  /// Reads what batch `number` is made of. Called by one thread at a time, in the order of numbers
  /// but for restarts.
  func gather(_ number: Int) throws -> Raw
  /// Overwrites a batch of `batchSize` items. Called by any number of threads at a time.
  func fill(_ batch: inout ImageBatch, number: Int, from raw: Raw) throws
}

extension ImageBatchSource {
  var labelsEach: Int { 1 }
}

extension ImageBatchSource where Raw == Void {
  func gather(_ number: Int) {}
}
