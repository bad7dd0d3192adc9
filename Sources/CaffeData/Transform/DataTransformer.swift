import CaffeErrors
import CaffeSchema

/// Makes of an example what the net sees: decode, crop, mirror, subtract the mean, scale.
///
/// - In: a `DatumRecord` (planar bytes or floats, or an encoded image) or an `Image`.
/// - Out: `channels × height × width` floats; each is `(value − mean) · scale`.
///
/// With `crop_size` (or `crop_h` and `crop_w`) the window lies at random in phase TRAIN and in the
/// middle in TEST, and the mean image is cropped alike. With `mirror` every second item is mirrored,
/// in TEST too. In TRAIN an `Augmentation` may come before all that.
///
/// Source: BVLC Caffe, `data_transformer.cpp`.
package struct DataTransformer: Sendable {
  package struct Extents: Hashable, Sendable, CustomStringConvertible {
    package var channels: Int
    package var height: Int
    package var width: Int

    package init(channels: Int, height: Int, width: Int) {
      self.channels = channels
      self.height = height
      self.width = width
    }

    package var count: Int { channels * height * width }
    package var description: String { "\(channels)×\(height)×\(width)" }
  }

  private let settings: TransformSettings
  private let cropsAtRandom: Bool
  private let augmentation: Augmentation

  /// - Parameter isTraining: phase TRAIN; crops lie at random.
  package init(_ settings: TransformSettings, isTraining: Bool) throws {
    try settings.checkMeans()
    guard !(settings.forceColor && settings.forceGray) else {
      throw CaffeError("force_color and force_gray exclude each other; set one of them")
    }
    try settings.checkCrop()
    try settings.augmentation.check(settings)
    self.settings = settings
    cropsAtRandom = isTraining
    augmentation = isTraining ? settings.augmentation : Augmentation()
  }

  /// The channels an encoded image is decoded to.
  package var colors: ImageDecoder.Colors {
    settings.forceColor ? .color : settings.forceGray ? .gray : .native
  }

  /// What items of the extents `source` become; throws if they cannot be cropped or have no mean.
  package func outputExtents(of source: Extents) throws -> Extents {
    try settings.checkMeanValues(channels: source.channels)
    if let mean = settings.mean {
      let extents = Extents(channels: mean.channels, height: mean.height, width: mean.width)
      guard extents == source else {
        throw CaffeError("mean_file is \(extents), but the data is \(source)")
      }
    }
    guard let crop = settings.crop else { return source }
    let fits = crop.height <= source.height && crop.width <= source.width
    guard fits || augmentation.scalesCrops else {
      let name =
        settings.cropExtents == nil
        ? "crop_size \(crop.height)" : "crop_h × crop_w (\(crop.height)×\(crop.width))"
      throw CaffeError(
        "\(name) is larger than the data (\(source.height)×\(source.width))")
    }
    return Extents(channels: source.channels, height: crop.height, width: crop.width)
  }

  /// The extents of a record; an encoded one must be decoded to tell.
  package func extents(of datum: DatumRecord) throws -> Extents {
    try datum.encoded ? Extents(datum.decoded(colors)) : datum.checkedExtents()
  }

  /// Transforms one record into a buffer of exactly `outputExtents`.
  ///
  /// - Throws: if the record becomes something of other extents than there is room for.
  package func transform(
    _ datum: DatumRecord, _ draw: TransformDraw, into output: UnsafeMutableBufferPointer<Float>
  ) throws {
    if datum.encoded { return try transform(datum.decoded(colors), draw, into: output) }
    let extents = try datum.checkedExtents()
    if datum.holdsFloats {
      try datum.floatData.withUnsafeBufferPointer {
        try transform(PixelSource($0, planar: extents), extents, draw, output)
      }
    } else {
      try datum.data.withUnsafeBufferPointer {
        try transform(PixelSource($0, planar: extents), extents, draw, output)
      }
    }
  }

  /// Transforms one picture into a buffer of exactly `outputExtents`.
  package func transform(
    _ image: Image, _ draw: TransformDraw, into output: UnsafeMutableBufferPointer<Float>
  ) throws {
    let extents = Extents(image)
    try image.pixels.withUnsafeBufferPointer {
      try transform(PixelSource($0, interleaved: extents), extents, draw, output)
    }
  }

  private func transform<Pixel: PixelValue>(
    _ source: PixelSource<Pixel>, _ extents: Extents, _ draw: TransformDraw,
    _ output: UnsafeMutableBufferPointer<Float>
  ) throws {
    guard augmentation.changesPictures else {
      try crop(source, extents, draw, output)
      return augmentation.cutOut(of: output, try outputExtents(of: extents), draw)
    }
    let target = try outputExtents(of: extents)
    let (picture, size) = augmentation.apply(
      to: source, extents, scaledTo: augmentation.scalesCrops ? target : extents, draw)
    try picture.withUnsafeBufferPointer {
      try crop(PixelSource($0, planar: size), size, draw, output)
    }
    augmentation.cutOut(of: output, target, draw)
  }

  /// Crops, mirrors, subtracts and scales.
  private func crop<Pixel: PixelValue>(
    _ source: PixelSource<Pixel>, _ extents: Extents, _ draw: TransformDraw,
    _ output: UnsafeMutableBufferPointer<Float>
  ) throws {
    let target = try outputExtents(of: extents)
    guard target.count == output.count, let into = output.baseAddress else {
      throw CaffeError(
        "the item becomes \(target), \(target.count) values; "
          + "the batch has room for \(output.count) each, as its first item")
    }
    let slack = (height: extents.height - target.height, width: extents.width - target.width)
    let top = cropsAtRandom ? draw.rowOffset(slack: slack.height) : slack.height / 2
    let left = cropsAtRandom ? draw.columnOffset(slack: slack.width) : slack.width / 2
    let isMirrored = settings.mirror && draw.isMirrored
    for channel in 0..<target.channels {
      for row in 0..<target.height {
        let line = into + (channel * target.height + row) * target.width
        let pixels = source.line(channel: channel, row: top + row, column: left)
        subtractMean(
          from: pixels, source.step, channel: channel,
          offset: (channel * extents.height + top + row) * extents.width + left, target.width, line)
        if isMirrored {
          var whole = UnsafeMutableBufferPointer(start: line, count: target.width)
          whole.reverse()
        }
      }
    }
  }

  /// - Parameter offset: where the line begins in the mean image.
  private func subtractMean<Pixel: PixelValue>(
    from pixels: UnsafePointer<Pixel>, _ step: Int, channel: Int, offset: Int, _ count: Int,
    _ line: UnsafeMutablePointer<Float>
  ) {
    guard let mean = settings.mean else {
      return PixelLine.subtract(
        settings.meanValue(channel), settings.scale, pixels, step, count, line)
    }
    mean.values.withUnsafeBufferPointer { values in
      guard let means = values.baseAddress else { return }
      PixelLine.subtract(means + offset, settings.scale, pixels, step, count, line)
    }
  }
}

extension DataTransformer.Extents {
  package init(_ image: Image) {
    self.init(channels: image.channels, height: image.height, width: image.width)
  }
}
