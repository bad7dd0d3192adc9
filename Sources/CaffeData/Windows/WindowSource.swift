import CaffeErrors
import CaffeSchema

/// Makes the n-th batch of windows: first background, then foreground, each drawn at random from its
/// kind, with repetition.
///
/// Source: BVLC Caffe, `window_data_layer.cpp`.
final class WindowSource: ImageBatchSource {
  var batchSize: Int { settings.batchSize }
  /// Windows are drawn with repetition.
  var recordCount: Int? { nil }
  let firstExtents: DataTransformer.Extents
  private let settings: WindowSettings
  private let path: String
  private let images: [String]
  /// The bytes of each image, if they are to be kept.
  private let cache: [[UInt8]]?
  private let foreground: [WindowFile.Window]
  private let background: [WindowFile.Window]
  private let random: CounterRandom

  /// Reads the window file `path`; windows between the thresholds are dropped.
  ///
  /// - Parameter locate: the file that an image's path means.
  init(
    _ path: String, _ settings: WindowSettings, seed: UInt64, locate: (String) -> String
  ) throws {
    let file = try WindowFile(path) {
      $0.overlap >= settings.foregroundThreshold || $0.overlap < settings.backgroundThreshold
    }
    self.path = path
    self.settings = settings
    images = file.images.map(locate)
    foreground = file.windows.filter { $0.overlap >= settings.foregroundThreshold }
    background = file.windows.filter { $0.overlap < settings.foregroundThreshold }
    random = CounterRandom(seed: seed)
    let size = settings.crop.size
    firstExtents = DataTransformer.Extents(channels: 3, height: size, width: size)
    cache =
      settings.cachesImages
      ? try images.map { try FileBytes.read($0, limit: ImageDecoder.mostFileBytes) } : nil
    try withPlace(path) { try checkWindows() }
  }

  private func checkWindows() throws {
    if let window = foreground.first(where: { $0.label <= 0 }) {
      throw CaffeError(
        "image \(window.image): a foreground window's label must be positive, got \(window.label)")
    }
    let wanted = settings.foregroundCount
    guard !foreground.isEmpty || wanted == 0 else {
      throw CaffeError(
        "no window overlaps by fg_threshold (\(settings.foregroundThreshold)) or more, "
          + "but \(wanted) of each batch must")
    }
    guard !background.isEmpty || wanted == batchSize else {
      throw CaffeError(
        "no window overlaps by less than bg_threshold (\(settings.backgroundThreshold)), "
          + "but \(batchSize - wanted) of each batch must")
    }
  }

  /// - Throws: naming the window file and the image.
  func fill(_ batch: inout ImageBatch, number: Int, from: Void) throws {
    let pass = random.branch(UInt64(number))
    for item in 0..<batchSize {
      let draw = pass.branch(UInt64(item))
      let isForeground = item >= batchSize - settings.foregroundCount
      let windows = isForeground ? foreground : background
      let window = windows[draw.number(0, below: windows.count)]
      let isMirrored = settings.transform.mirror && draw.number(1, below: 2) == 1
      try withPlace("\(path): image \(window.image)") {
        let image = try read(window.image)
        try withPlace(images[window.image]) {
          try batch.write(item) { try crop(window, of: image, isMirrored: isMirrored, into: $0) }
        }
      }
      batch.setLabels([isForeground ? Float(window.label) : 0], of: item)
    }
  }

  private func read(_ image: Int) throws -> Image {
    guard let cache else { return try ImageDecoder.decode(file: images[image], .color) }
    return try withPlace(images[image]) {
      try cache[image].withUnsafeBytes { try ImageDecoder.decode($0, .color) }
    }
  }

  /// Writes a window, warped, into a crop that is 0 elsewhere.
  private func crop(
    _ window: WindowFile.Window, of image: Image, isMirrored: Bool,
    into output: UnsafeMutableBufferPointer<Float>
  ) throws {
    let (rows, columns) = try settings.crop.spans(
      of: window, height: image.height, width: image.width)
    output.update(repeating: 0)
    let (top, left) = (rows.before, isMirrored ? columns.after : columns.before)
    // By rounding, the parts may be a pixel more than the whole.
    let height = min(rows.count, settings.crop.size - top)
    let width = min(columns.count, settings.crop.size - left)
    guard height > 0, width > 0 else { return }
    let warped = image.cropped(rows: rows.source, columns: columns.source)
      .resized(height: height, width: width)
    write(isMirrored ? warped.mirrored() : warped, top: top, left: left, into: output)
  }

  /// Writes `(pixel − mean) · scale`, the picture's corner at (`top`, `left`) of the crop, whose
  /// means are the middle of the mean image.
  private func write(
    _ picture: Image, top: Int, left: Int, into output: UnsafeMutableBufferPointer<Float>
  ) {
    guard let crop = output.baseAddress else { return }
    let size = settings.crop.size
    picture.pixels.withUnsafeBufferPointer { pixels in
      let source = PixelSource(pixels, interleaved: DataTransformer.Extents(picture))
      for channel in 0..<picture.channels {
        for row in 0..<picture.height {
          let line = crop + (channel * size + top + row) * size + left
          let pixels = source.line(channel: channel, row: row, column: 0)
          guard let mean = settings.transform.mean else {
            PixelLine.subtract(
              settings.transform.meanValue(channel), settings.scale, pixels, source.step,
              picture.width, line)
            continue
          }
          let meanRow = channel * mean.height + (mean.height - size) / 2 + top + row
          let offset = meanRow * mean.width + (mean.width - size) / 2 + left
          mean.values[offset...].withUnsafeBufferPointer { means in
            guard let means = means.baseAddress else { return }
            PixelLine.subtract(
              means, settings.scale, pixels, source.step, picture.width, line)
          }
        }
      }
    }
  }
}
