import CaffeData
import CaffeErrors
import CaffeSchema
import Foundation
import Testing

@Suite struct ImageMeanTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  func database(_ records: [Datum]) throws -> any RecordDatabase {
    try LMDBWriter.create(folder("db")) { writer in
      for (index, record) in records.enumerated() {
        try writer.put(key: "\(index)", value: record.binary())
      }
    }
    return try LMDBDatabase(folder("db"))
  }

  func datum(_ pixels: [UInt8], channels: Int = 1, height: Int = 1) -> Datum {
    var datum = Datum()
    datum.channels = channels
    datum.height = height
    datum.width = pixels.count / channels / height
    datum.data = pixels
    return datum
  }

  /// Two images of two channels of 1×2 pixels.
  //   [1 2]  [10 20]      [3 5]  [30 41]   →   [2 3.5]  [20 30.5]
  @Test func averagesEachValue() throws {
    var done: [Int] = []
    let mean = try ImageMean(
      of: database([datum([1, 2, 10, 20], channels: 2), datum([3, 5, 30, 41], channels: 2)])
    ) { done.append($0) }
    #expect(mean.values == [2, 3.5, 20, 30.5])
    #expect(mean.channelMeans == [2.75, 25.25])
    #expect(mean.count == 2 && done == [1, 2])
    let read = try BlobProto(text: mean.blob.text(), file: "mean")
    #expect(read.extents == [1, 2, 1, 2] && read.values == [2, 3.5, 20, 30.5])
    #expect(read.hasLegacyShape && !read.hasShape)
  }

  /// The file of BVLC Caffe's compute_image_mean of the same database.
  @Test func agreesWithCaffe() throws {
    let expected = try BlobProto(contentsOfBinaryFile: golden("data/mean.binaryproto"))
    let mean = try ImageMean(of: LMDBDatabase(golden("data/db-lmdb")))
    #expect(mean.blob.extents == expected.extents)
    #expect(mean.blob.values.count == expected.values.count)
    // Caffe sums and divides in single precision: a relative error of 2⁻²³ or so.
    for (ours, theirs) in zip(mean.blob.values, expected.values) {
      #expect(abs(ours - theirs) <= 1e-6 * max(1, theirs))
    }
  }

  /// In single precision 2²⁴ + 1 is 2²⁴: what is added after that would be lost.
  @Test func sumsInDoublePrecision() throws {
    var large = datum([])
    large.width = 1
    large.height = 1
    large.clearData()
    large.floatData = [16_777_216]
    var one = large
    one.floatData = [1]
    let mean = try ImageMean(of: database([large, one, one, one]))
    #expect(mean.values == [16_777_219.0 / 4])
  }

  @Test func decodesEncodedImages() throws {
    var encoded = Datum()
    encoded.encoded = true
    encoded.data = try bytes(of: fixture("gray.png"))
    let mean = try ImageMean(
      of: database([encoded, datum([0, 0, 0, 0, 0, 0], height: 2)]))
    #expect(mean.values == [127.5, 0, 0, 0.5, 20, 127.5])
  }

  @Test func refusesOtherExtents() throws {
    let path = folder("db")
    let database = try database([datum([1, 2]), datum([1, 2, 3])])
    expectError("\(path): record '1': the image is 1×1×3, but the first is 1×1×2") {
      _ = try ImageMean(of: database)
    }
  }
}
