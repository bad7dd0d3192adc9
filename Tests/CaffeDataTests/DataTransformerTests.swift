import CaffeData
import CaffeErrors
import CaffeSchema
import Foundation
import Testing

/// 2 channels of 3×4: channel 0 is 0…11, channel 1 is 100…111.
private let pixels = [UInt8](0..<12) + [UInt8](100..<112)
private let extents = DataTransformer.Extents(channels: 2, height: 3, width: 4)

private func example(label: Int) throws -> [UInt8] {
  var datum = Datum()
  datum.channels = extents.channels
  datum.height = extents.height
  datum.width = extents.width
  datum.data = pixels
  datum.label = label
  return try datum.binary()
}

@Suite struct DataTransformerTests {
  func transform(
    _ settings: TransformSettings, isTraining: Bool = false,
    draw: TransformDraw = TransformDraw(seed: 1, pass: 0, item: 0), record: [UInt8]? = nil
  ) throws -> [Float] {
    let transformer = try DataTransformer(settings, isTraining: isTraining)
    let record =
      try record ?? example(label: 7)
    return try record.withUnsafeBytes { bytes in
      let datum = try DatumRecord(binary: bytes)
      let count = try transformer.outputExtents(of: transformer.extents(of: datum)).count
      var output = [Float](repeating: .nan, count: count)
      try output.withUnsafeMutableBufferPointer {
        try transformer.transform(datum, draw, into: $0)
      }
      return output
    }
  }

  @Test func leavesPixelsAsTheyAre() throws {
    #expect(try transform(TransformSettings()) == pixels.map(Float.init))
  }

  /// (pixel − mean) · scale, in this order.
  @Test func subtractsBeforeItScales() throws {
    let settings = TransformSettings(scale: 0.5, meanValues: [2, 100])
    let expected = (0..<12).map { (Float($0) - 2) / 2 } + (0..<12).map { Float($0) / 2 }
    #expect(try transform(settings) == expected)
  }

  @Test func oneMeanValueServesAllChannels() throws {
    #expect(try transform(TransformSettings(meanValues: [3])) == pixels.map { Float($0) - 3 })
  }

  ///   0 1  2  3
  ///   4 5  6  7   →  crop 2 at (0, 1):  1 2
  ///   8 9 10 11                         5 6
  @Test func cropsTheMiddleInTestingWithItsMean() throws {
    #expect(try transform(TransformSettings(cropSize: 2)) == [1, 2, 5, 6, 101, 102, 105, 106])
    let mean = TransformSettings.Mean(
      channels: 2, height: 3, width: 4, values: pixels.map(Float.init))
    #expect(try transform(TransformSettings(cropSize: 2, mean: mean)).allSatisfy { $0 == 0 })
  }

  /// All windows and both directions come up, about equally often, and nothing else does.
  @Test func cropsAndMirrorsAtRandomInTraining() throws {
    var seen: [[Float]: Int] = [:]
    let settings = TransformSettings(mirror: true, cropSize: 2)
    for item in 0..<2400 {
      let draw = TransformDraw(seed: 5, pass: 2, item: item)
      seen[try transform(settings, isTraining: true, draw: draw), default: 0] += 1
    }
    var possible: Set<[Float]> = []
    for row in 0..<2 {
      for column in 0..<3 {
        for order in [[0, 1], [1, 0]] {
          possible.insert(
            [0, 100].flatMap { base in
              [0, 1].flatMap { y in order.map { Float(base + (row + y) * 4 + column + $0) } }
            })
        }
      }
    }
    #expect(Set(seen.keys) == possible)
    // 200 expected each; four standard deviations of a binomial are 54.
    #expect(seen.values.allSatisfy { (146...254).contains($0) }, "\(seen.values)")
  }

  @Test func mirrorsInTestingToo() throws {
    let results = Set(
      try (0..<20).map {
        try transform(
          TransformSettings(mirror: true), draw: TransformDraw(seed: 5, pass: 0, item: $0))
      })
    #expect(results.count == 2)
    #expect(results.contains { $0.prefix(4) == [3, 2, 1, 0] })
  }

  @Test func aDrawDependsOnSeedPassAndItemAlone() throws {
    let settings = TransformSettings(mirror: true, cropSize: 1)
    func run(seed: UInt64, pass: Int) throws -> [[Float]] {
      try (0..<30).map {
        try transform(
          settings, isTraining: true, draw: TransformDraw(seed: seed, pass: pass, item: $0))
      }
    }
    #expect(try run(seed: 1, pass: 1) == run(seed: 1, pass: 1))
    #expect(try run(seed: 1, pass: 1) != run(seed: 2, pass: 1))
    #expect(try run(seed: 1, pass: 1) != run(seed: 1, pass: 2))
  }

  /// float_data, in the unpacked form of the shipped schema and in the packed one.
  @Test(arguments: [true, false])
  func readsFloats(packed: Bool) throws {
    let numbers: [Float] = [0.5, -2, 3, 4]
    let raw: [[UInt8]] = numbers.map { number in
      withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
    }
    let fields: [UInt8] =
      packed ? [0x32, 16] + raw.joined() : Array(raw.map { [0x35] + $0 }.joined())
    let record: [UInt8] = [8, 1, 16, 2, 24, 2] + fields
    #expect(try transform(TransformSettings(scale: 2), record: record) == [1, -4, 6, 8])
    let cropped = try transform(TransformSettings(cropSize: 1), record: record)
    #expect(cropped == [0.5])
  }

  // MARK: Refusals

  @Test func refusesContradictions() {
    let mean = TransformSettings.Mean(channels: 1, height: 1, width: 1, values: [0])
    expectError("mean_file and mean_value exclude each other") {
      _ = try transform(TransformSettings(meanValues: [1], mean: mean))
    }
    expectError("force_color and force_gray exclude each other") {
      _ = try transform(TransformSettings(forceColor: true, forceGray: true))
    }
    expectError("crop_size must not be negative, got -1") {
      _ = try transform(TransformSettings(cropSize: -1))
    }
    expectError("crop_size 4 is larger than the data (3×4)") {
      _ = try transform(TransformSettings(cropSize: 4))
    }
    expectError("mean_value must be given once or once per channel (2), got 3") {
      _ = try transform(TransformSettings(meanValues: [1, 2, 3]))
    }
    expectError("mean_file is 1×1×1, but the data is 2×3×4") {
      _ = try transform(TransformSettings(mean: mean))
    }
  }

  @Test func refusesMeanFilesThatAreNoImage() throws {
    let folder = try TemporaryFolder()
    expectError("mean_file: File not found: \(folder("none"))") {
      _ = try TransformSettings.Mean(file: folder("none"))
    }
    var blob = BlobProto()
    blob.shape.dim = [2, 3, 4]
    blob.data = Array(repeating: 1, count: 23)
    let path = try folder.write("mean", blob.binary())
    expectError("channels × height × width is wanted, this has 23 values in extents [2, 3, 4]") {
      _ = try TransformSettings.Mean(file: path)
    }
    blob.data.append(1)
    let good = try folder.write("mean", blob.binary())
    let mean = try TransformSettings.Mean(file: good)
    #expect(mean.channels == 2 && mean.height == 3 && mean.width == 4)
  }

  @Test func refusesAnItemOfAnotherSizeThanTheBatch() throws {
    let record = try example(label: 0)
    expectError("the item becomes 2×3×4, 24 values; the batch has room for 10 each") {
      try record.withUnsafeBytes { bytes in
        var room = [Float](repeating: 0, count: 10)
        try room.withUnsafeMutableBufferPointer {
          try DataTransformer(TransformSettings(), isTraining: false).transform(
            DatumRecord(binary: bytes), TransformDraw(seed: 0, pass: 0, item: 0), into: $0)
        }
      }
    }
  }

  @Test(
    arguments: [
      ([], "the Datum has no pixels: its extents are 0×0×0"),
      ([8, 1, 16, 2, 24, 2, 34, 3, 1, 2, 3], "the Datum has 3 values, but its extents are 1×2×2"),
      ([8, 1, 16, 2, 24, 2, 34, 4, 1, 2, 3], "not a Datum, or a truncated one (11 bytes)"),
      ([8, 255], "not a Datum, or a truncated one (2 bytes)"),
      ([34, 3, 1, 2, 3, 56, 1], "the image is neither PNG, JPEG, BMP nor PNM"),
      ([56, 1], "the image is empty"),
      ([53, 0, 0, 0, 0, 56, 1], "the Datum is marked as encoded, but holds float_data"),
      (
        [8, 255, 255, 255, 255, 7, 16, 255, 255, 255, 255, 7, 24, 255, 255, 255, 255, 7, 34, 0],
        "but its extents are 2147483647×2147483647×2147483647"
      ),
    ] as [([UInt8], String)])
  func refusesRecords(record: [UInt8], why: String) {
    expectError(why) { _ = try transform(TransformSettings(), record: record) }
  }

  @Test func cutAnywhereARecordIsRefused() throws {
    let whole = try example(label: 300)
    for length in 0..<whole.count - 3 {
      #expect(throws: CaffeError.self) {
        try transform(TransformSettings(), record: Array(whole[..<length]))
      }
    }
  }
}
