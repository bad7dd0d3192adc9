import CaffeErrors

/// Makes the n-th batch of a list of images: reads, decodes, resizes and transforms them.
final class ImageListSource: ImageBatchSource {
  struct Settings: Sendable {
    var batchSize: Int
    /// What every image is scaled to; nil for the size it has.
    var size: (height: Int, width: Int)?
    var colors: ImageDecoder.Colors
    /// Each epoch has an order of its own.
    var shuffles: Bool
    /// The first batch begins fewer images than this after the first, at random; 0 for no skip.
    var skipsFewerThan: Int
    /// Images that cannot be had give way to their neighbours in the batch.
    var skipsDamaged = false
  }

  var batchSize: Int { settings.batchSize }
  var labelsEach: Int { list.labelsEach }
  var recordCount: Int? { list.entries.count }
  let firstExtents: DataTransformer.Extents
  private let settings: Settings
  private let list: ImageList
  private let transformer: DataTransformer
  private let seed: UInt64
  /// The order of every epoch; nil for that of the list.
  private let order: EpochPermutation?
  private let skip: Int

  /// - Parameters:
  ///   - seed: of crops and mirrors.
  ///   - orderSeed: of the order of the images.
  init(
    _ list: ImageList, _ settings: Settings, transformer: DataTransformer, seed: UInt64,
    orderSeed: UInt64
  ) throws {
    guard settings.skipsFewerThan <= list.entries.count else {
      throw CaffeError(
        "rand_skip must be at most the number of images (\(list.entries.count)), "
          + "got \(settings.skipsFewerThan)")
    }
    let order =
      settings.shuffles ? EpochPermutation(count: list.entries.count, seed: orderSeed) : nil
    let skip =
      settings.skipsFewerThan > 0
      ? CounterRandom(seed: orderSeed).number(0, below: settings.skipsFewerThan) : 0
    self.list = list
    self.settings = settings
    self.transformer = transformer
    self.seed = seed
    self.order = order
    self.skip = skip
    firstExtents = try Self.firstExtents(of: list, from: skip, order, settings, transformer)
  }

  /// What the first image becomes, or the first that can be had.
  private static func firstExtents(
    of list: ImageList, from skip: Int, _ order: EpochPermutation?, _ settings: Settings,
    _ transformer: DataTransformer
  ) throws -> DataTransformer.Extents {
    for place in skip..<skip + list.entries.count {
      do {
        return try read(entry(of: list, at: place, order), of: list, settings) { image in
          try transformer.outputExtents(of: DataTransformer.Extents(image))
        }
      } catch is CaffeError where settings.skipsDamaged {
        continue
      }
    }
    throw CaffeError("no image can be used", places: [list.source])
  }

  /// - Throws: naming the list, the line and the file of an image that cannot be had.
  func fill(_ batch: inout ImageBatch, number: Int, from: Void) throws {
    try batch.fill(skippingDamaged: settings.skipsDamaged) { batch, item, isFirst in
      let entry = Self.entry(of: list, at: skip + number * batchSize + item, order)
      try Self.read(entry, of: list, settings) { image in
        let extents = try transformer.outputExtents(of: DataTransformer.Extents(image))
        if isFirst { batch.fit(extents) }
        guard extents == batch.extents else {
          throw CaffeError(
            "the image becomes \(extents), but the first of its batch \(batch.extents); "
              + "set new_height and new_width, or a batch_size of 1")
        }
        let draw = TransformDraw(seed: seed, pass: number, item: item)
        try batch.write(item) { try transformer.transform(image, draw, into: $0) }
      }
      batch.setLabels(entry.labels.isEmpty ? [Float(entry.label)] : entry.labels, of: item)
    }
  }

  /// The image at a position counted over all epochs.
  private static func entry(
    of list: ImageList, at position: Int, _ order: EpochPermutation?
  ) -> ImageList.Entry {
    list.entries[order?[position] ?? position % list.entries.count]
  }

  /// Hands the image, decoded and resized, to `body`; errors name where the list asks for it.
  private static func read<Result>(
    _ entry: ImageList.Entry, of list: ImageList, _ settings: Settings,
    _ body: (Image) throws -> Result
  ) throws -> Result {
    try withPlace("\(list.source): line \(entry.line)") {
      let image = try ImageDecoder.decode(file: entry.path, settings.colors)
      return try withPlace(entry.path) {
        try body(
          settings.size.map { image.resized(height: $0.height, width: $0.width) } ?? image)
      }
    }
  }
}
