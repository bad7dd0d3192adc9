import CaffeErrors
import CaffeSchema
import Foundation

/// Makes a database of the images that a text file lists, as Caffe's tool `convert_imageset` does:
/// a Datum each, under the key `00000000_` and on, with the path as the list has it.
///
/// Source: BVLC Caffe, `convert_imageset.cpp`, `io.cpp`.
package struct ImageSetConversion: Sendable {
  /// How a Datum holds an image.
  package enum Storage: Sendable, Equatable {
    /// Channel by channel, a byte a value.
    case raw
    /// An image file, of the kind that the listed file's extension names.
    case asListed
    /// An image file of one kind.
    case encoded(ImageEncoder.Format)
  }

  /// What is in front of every listed path, as it is.
  package var root = ""
  package var isGray = false
  /// What every image is scaled to; nil for the size it has.
  package var size: (height: Int, width: Int)?
  /// All images must have the extents of the first.
  package var checksSize = false
  package var storage = Storage.raw
  /// Puts the images into a random order, a function of this number.
  package var shuffleSeed: UInt64?
  package var backend = WritableDatabase.lmdb
  /// Leaves images out that cannot be read, after telling; otherwise they end the conversion.
  package var skipsDamaged = false

  package init() {}

  /// What a conversion did.
  package struct Outcome: Sendable, Equatable {
    package var written = 0
    package var skipped = 0
  }

  /// Writes the database `path`, which must not exist, in full or not at all.
  ///
  /// - Parameters:
  ///   - report: gets a sentence for each image left out.
  ///   - progress: called with the number of images done, after each.
  package func convert(
    _ list: ImageList, to path: String, report: (String) -> Void = { _ in },
    progress: (Int) -> Void = { _ in }
  ) throws -> Outcome {
    if let size { try ImageDecoder.checkSize(width: size.width, height: size.height) }
    let order = shuffleSeed.map {
      Permutation(count: list.entries.count, random: CounterRandom(seed: $0))
    }
    var outcome = Outcome()
    try backend.create(path) { writer in
      var first: DataTransformer.Extents?
      for place in list.entries.indices {
        let entry = list.entries[order?[place] ?? place]
        defer { progress(place + 1) }
        let picture: Picture
        do {
          picture = try withPlace("\(list.source): line \(entry.line)") { try read(entry) }
        } catch let error as CaffeError where skipsDamaged {
          outcome.skipped += 1
          report("\(error); this image is left out")
          continue
        }
        first = first ?? picture.extents
        if checksSize, let first { try check(picture, of: entry, in: list, like: first) }
        try writer.put(
          key: String(format: "%08d_", place) + entry.path, value: picture.datum.binary())
      }
      outcome.written = writer.count
      guard outcome.written > 0 else { throw CaffeError("none of the images can be read") }
    }
    return outcome
  }

  /// A record and what its image is.
  private struct Picture {
    let datum: Datum
    let extents: DataTransformer.Extents
  }

  private func check(
    _ picture: Picture, of entry: ImageList.Entry, in list: ImageList,
    like first: DataTransformer.Extents
  ) throws {
    guard picture.extents == first else {
      throw CaffeError(
        "the image is \(picture.extents), but the first is \(first)",
        places: ["\(list.source): line \(entry.line)", root + entry.path])
    }
  }

  /// - Throws: naming the image's file.
  private func read(_ entry: ImageList.Entry) throws -> Picture {
    let path = root + entry.path
    let file = try FileBytes.read(path, limit: ImageDecoder.mostFileBytes)
    return try withPlace(path) {
      let format = try format(of: entry)
      var datum = Datum()
      datum.label = Int(entry.label)
      datum.encoded = storage != .raw
      if size == nil, let stored = try original(file, of: format) {
        datum.data = file
        return Picture(datum: datum, extents: DataTransformer.Extents(stored))
      }
      var image = try decode(file, isGray ? .gray : .color)
      if let size {
        if size == (image.height, image.width), try original(file, of: format) != nil {
          datum.data = file
          return Picture(datum: datum, extents: DataTransformer.Extents(image))
        }
        image = image.resized(height: size.height, width: size.width)
      }
      if let format {
        datum.data = try ImageEncoder.encode(image, format)
      } else {
        datum.channels = image.channels
        datum.height = image.height
        datum.width = image.width
        datum.data = image.planes()
      }
      return Picture(datum: datum, extents: DataTransformer.Extents(image))
    }
  }

  /// The kind of file to store; nil for raw pixels, and for a listed file of another kind.
  private func format(of entry: ImageList.Entry) throws -> ImageEncoder.Format? {
    switch storage {
    case .raw: return nil
    case .encoded(let format): return format
    case .asListed:
      let name = (entry.path as NSString).pathExtension
      let format = ImageEncoder.Format(extension: name)
      guard format != nil || size == nil else {
        throw CaffeError("'\(name)' names no kind of encoding; set encode_type to jpg or png")
      }
      return format
    }
  }

  /// The picture that a file holds as it is to be stored, if it does: it has the wanted kind and number
  /// of channels, or is of a kind that is not written here.
  private func original(_ file: [UInt8], of format: ImageEncoder.Format?) throws -> Image? {
    guard storage != .raw, format == nil || ImageEncoder.Format(of: file) == format else {
      return nil
    }
    let stored = try decode(file, .native)
    return format == nil || stored.channels == (isGray ? 1 : 3) ? stored : nil
  }

  private func decode(_ file: [UInt8], _ colors: ImageDecoder.Colors) throws -> Image {
    try file.withUnsafeBytes { try ImageDecoder.decode($0, colors) }
  }
}
