import CaffeErrors
import CaffeSchema

/// The mean of all images of a database, value by value, as Caffe's tool `compute_image_mean` makes
/// it; summed in double precision, which the number of images does not wear down.
///
/// Source: BVLC Caffe, `compute_image_mean.cpp`.
package struct ImageMean: Sendable {
  package let extents: DataTransformer.Extents
  /// How many images there are.
  package let count: Int
  /// Channel by channel, each row by row.
  package let values: [Double]

  /// The mean of each channel.
  package var channelMeans: [Double] {
    let area = extents.height * extents.width
    return (0..<extents.channels).map { channel in
      values[channel * area..<(channel + 1) * area].reduce(0, +) / Double(area)
    }
  }

  /// Reads all records, which must have the same extents; encoded ones are decoded.
  ///
  /// - Parameter progress: called with the number of records done, after each.
  package init(
    of database: any RecordDatabase, progress: (Int) -> Void = { _ in }
  ) throws {
    var sums = ImageSums()
    let cursor = try database.makeCursor()
    while try cursor.next({ record in
      try withPlace(database.path) {
        try withPlace("record '\(record.name)'") { try sums.add(DatumRecord(binary: record.value)) }
      }
    }) != nil {
      progress(sums.count)
    }
    guard let extents = sums.extents else {
      throw CaffeError("this database is empty", places: [database.path])
    }
    self.extents = extents
    count = sums.count
    values = sums.values.map { $0 / Double(sums.count) }
  }

  /// The form of `mean_file`: a BlobProto with the old fields, `num` 1.
  package var blob: BlobProto {
    var blob = BlobProto()
    blob.num = 1
    blob.channels = extents.channels
    blob.height = extents.height
    blob.width = extents.width
    blob.data = values.map(Float.init)
    return blob
  }
}

/// The sums of images of the same extents.
struct ImageSums {
  private(set) var extents: DataTransformer.Extents?
  private(set) var count = 0
  private(set) var values: [Double] = []

  /// - Throws: unless the image has the extents of those before it.
  mutating func add(_ datum: DatumRecord) throws {
    if datum.encoded {
      let image = try datum.decoded(.native)
      try begin(DataTransformer.Extents(image))
      add(image.planes())
    } else {
      try begin(datum.checkedExtents())
      if datum.holdsFloats { add(datum.floatData) } else { add(datum.data) }
    }
    count += 1
  }

  private mutating func begin(_ extents: DataTransformer.Extents) throws {
    guard let first = self.extents else {
      self.extents = extents
      values = Array(repeating: 0, count: extents.count)
      return
    }
    guard first == extents else {
      throw CaffeError("the image is \(extents), but the first is \(first)")
    }
  }

  private mutating func add(_ pixels: [UInt8]) {
    values.withUnsafeMutableBufferPointer { sums in
      pixels.withUnsafeBufferPointer { pixels in
        for index in sums.indices { sums[index] += Double(pixels[index]) }
      }
    }
  }

  private mutating func add(_ pixels: [Float]) {
    for index in values.indices { values[index] += Double(pixels[index]) }
  }
}
