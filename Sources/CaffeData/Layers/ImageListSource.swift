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
  }

  var batchSize: Int { settings.batchSize }
  let firstExtents: DataTransformer.Extents
  private let settings: Settings
  private let list: ImageList
  private let transformer: DataTransformer
  private let seed: UInt64
  /// Draws the skip and the order of every epoch.
  private let random: CounterRandom
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
    let random = CounterRandom(seed: orderSeed)
    let skip = settings.skipsFewerThan > 0 ? random.number(0, below: settings.skipsFewerThan) : 0
    self.list = list
    self.settings = settings
    self.transformer = transformer
    self.seed = seed
    self.random = random
    self.skip = skip
    let first = Self.entry(of: list, at: skip, settings.shuffles ? random : nil)
    firstExtents = try Self.read(first, of: list, settings) { image in
      try transformer.outputExtents(of: DataTransformer.Extents(image))
    }
  }

  var recordCount: Int? { list.entries.count }

  /// - Throws: naming the list, the line and the file of an image that cannot be had.
  func fill(_ batch: inout ImageBatch, number: Int) throws {
    for item in 0..<batchSize {
      let entry = Self.entry(
        of: list, at: skip + number * batchSize + item, settings.shuffles ? random : nil)
      try Self.read(entry, of: list, settings) { image in
        let extents = try transformer.outputExtents(of: DataTransformer.Extents(image))
        if item == 0 { batch.fit(extents) }
        guard extents == batch.extents else {
          throw CaffeError(
            "the image becomes \(extents), but the first of its batch \(batch.extents); "
              + "set new_height and new_width, or a batch_size of 1")
        }
        let draw = TransformDraw(seed: seed, pass: number, item: item)
        try batch.write(item) { try transformer.transform(image, draw, into: $0) }
      }
      batch.labels[item] = Float(entry.label)
    }
  }

  /// The image at a position counted over all epochs.
  private static func entry(
    of list: ImageList, at position: Int, _ random: CounterRandom?
  ) -> ImageList.Entry {
    let (epoch, place) = position.quotientAndRemainder(dividingBy: list.entries.count)
    guard let random else { return list.entries[place] }
    let order = Permutation(count: list.entries.count, random: random.branch(UInt64(epoch)))
    return list.entries[order[place]]
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
