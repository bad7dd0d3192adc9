import CaffeErrors
import CaffeSchema

/// What a database holds, record by record: extents, labels, the mean and spread of each channel, and
/// what is damaged.
package struct DatasetSummary: Sendable {
  package private(set) var count = 0
  /// How many records have which extents, encoded images as decoded.
  package private(set) var shapes: [DataTransformer.Extents: Int] = [:]
  /// How many records hold an image file.
  package private(set) var encodedCount = 0
  /// How many records have which label.
  package private(set) var labels: [Int: Int] = [:]
  /// A sentence for the first record that cannot be used.
  package private(set) var firstDamage: String?
  package private(set) var damagedCount = 0
  private var channels: [ChannelSums] = []

  /// Reads all records.
  ///
  /// - Parameter progress: called with the number of records done, after each.
  package init(
    of database: any RecordDatabase, progress: (Int) -> Void = { _ in }
  ) throws {
    let cursor = try database.makeCursor()
    while try cursor.next({ add($0) }) != nil { progress(count) }
  }

  /// The mean over all pixels of each channel.
  package var channelMeans: [Double] { channels.map(\.mean) }
  /// The standard deviation over all pixels of each channel.
  package var channelDeviations: [Double] { channels.map(\.deviation) }

  private mutating func add(_ record: Record) {
    count += 1
    do {
      try add(DatumRecord(binary: record.value))
    } catch {
      damagedCount += 1
      firstDamage = firstDamage ?? "record '\(record.name)': \(error)"
    }
  }

  private mutating func add(_ datum: DatumRecord) throws {
    let extents: DataTransformer.Extents
    if datum.encoded {
      let image = try datum.decoded(.native)
      extents = DataTransformer.Extents(image)
      add(image.planes(), extents)
      encodedCount += 1
    } else {
      extents = try datum.checkedExtents()
      if datum.holdsFloats { add(datum.floatData, extents) } else { add(datum.data, extents) }
    }
    shapes[extents, default: 0] += 1
    labels[datum.label, default: 0] += 1
  }

  private mutating func add<Pixel: PixelValue>(
    _ planes: [Pixel], _ extents: DataTransformer.Extents
  ) {
    let area = extents.height * extents.width
    while channels.count < extents.channels { channels.append(ChannelSums()) }
    planes.withUnsafeBufferPointer { planes in
      for channel in 0..<extents.channels {
        channels[channel].add(
          UnsafeBufferPointer(rebasing: planes[channel * area..<(channel + 1) * area]))
      }
    }
  }
}

/// Sums over the pixels of one channel.
private struct ChannelSums {
  private var count = 0.0
  private var sum = 0.0
  private var squares = 0.0

  var mean: Double { sum / count }
  var deviation: Double { max(0, squares / count - mean * mean).squareRoot() }

  mutating func add<Pixel: PixelValue>(_ pixels: UnsafeBufferPointer<Pixel>) {
    var (sum, squares) = (0.0, 0.0)
    for pixel in pixels {
      let value = Double(pixel.float)
      sum += value
      squares += value * value
    }
    count += Double(pixels.count)
    self.sum += sum
    self.squares += squares
  }
}
