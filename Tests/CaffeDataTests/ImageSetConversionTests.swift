import CaffeData
import CaffeErrors
import CaffeSchema
import Foundation
import Testing

@Suite struct ImageSetConversionTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// The records of a database in the order of their keys.
  func records(_ path: String) throws -> [(key: String, datum: DatumRecord)] {
    let cursor = try DatabaseKind.open(path).makeCursor()
    var records: [(key: String, datum: DatumRecord)] = []
    while let record = try cursor.next({ ($0.name, try DatumRecord(binary: $0.value)) }) {
      records.append(record)
    }
    return records
  }

  /// Converts the list `text` of fixtures.
  @discardableResult
  func convert(
    _ text: String, _ change: (inout ImageSetConversion) -> Void = { _ in },
    report: (String) -> Void = { _ in }
  ) throws -> ImageSetConversion.Outcome {
    var conversion = ImageSetConversion()
    conversion.root = fixture("")
    change(&conversion)
    let list = try ImageList(folder.write("list.txt", text.utf8))
    return try conversion.convert(list, to: folder("db"), report: report)
  }

  private func decoded(_ file: [UInt8]) throws -> Image {
    try file.withUnsafeBytes { try ImageDecoder.decode($0, .native) }
  }

  // MARK: As Caffe's own tool

  /// What BVLC Caffe's convert_imageset made of the same list: the same keys, labels and extents, the
  /// pixels within the grey level that another JPEG decoder may differ by.
  @Test(arguments: [
    ("db-lmdb", false, 16, 18, WritableDatabase.lmdb),
    ("db-leveldb", false, 16, 18, .leveldb),
    ("db-lmdb-gray", true, 12, 12, .leveldb),
  ])
  func agreesWithCaffe(
    name: String, isGray: Bool, height: Int, width: Int, backend: WritableDatabase
  ) throws {
    var conversion = ImageSetConversion()
    conversion.root = golden("data/")
    conversion.isGray = isGray
    conversion.size = (height, width)
    conversion.checksSize = true
    conversion.backend = backend
    let list = try ImageList(golden("data/list.txt"))
    var progress: [Int] = []
    let outcome = try conversion.convert(
      list, to: folder("db"), progress: { progress.append($0) })
    let (ours, theirs) = (try records(folder("db")), try records(golden("data/\(name)")))
    #expect(ours.map(\.key) == theirs.map(\.key))
    #expect(outcome.written == theirs.count && outcome.skipped == 0)
    #expect(progress == Array(1...theirs.count))
    for (our, their) in zip(ours, theirs) {
      #expect(our.datum.label == their.datum.label)
      #expect(our.datum.channels == their.datum.channels)
      #expect(our.datum.height == height && our.datum.width == width && !our.datum.encoded)
      #expect(our.datum.data.count == their.datum.data.count)
      let worst = zip(our.datum.data, their.datum.data).map { abs(Int($0) - Int($1)) }.max()
      #expect(try #require(worst) <= (our.key.hasSuffix("jpg") ? 1 : 0), "\(our.key)")
    }
  }

  /// The bytes of a Datum too, where no other JPEG decoder comes in.
  @Test func recordsAreCaffesByteForByte() throws {
    var conversion = ImageSetConversion()
    conversion.root = golden("data/")
    conversion.size = (16, 18)
    let list = try ImageList(golden("data/list.txt"))
    _ = try conversion.convert(list, to: folder("db"))
    func values(_ path: String) throws -> [[UInt8]] {
      let cursor = try DatabaseKind.open(path).makeCursor()
      var values: [[UInt8]] = []
      while let value = try cursor.next({ $0.name.hasSuffix("png") ? Array($0.value) : [] }) {
        values.append(value)
      }
      return values
    }
    let ours = try values(folder("db"))
    #expect(try ours == values(golden("data/db-lmdb")) && ours.contains { !$0.isEmpty })
  }

  // MARK: Image files inside

  /// A file that already is what is wanted is stored as it is; any other is encoded anew.
  @Test func keepsOriginalFilesWhereTheyFit() throws {
    let list = "rgb.png 1\ngray.jpg 2\ncolor.jpg 3\n"
    try convert(list) { $0.storage = ImageSetConversion.Storage.asListed }
    let stored = try records(folder("db"))
    #expect(stored.allSatisfy { $0.datum.encoded && $0.datum.channels == 0 })
    #expect(stored.map(\.datum.label) == [1, 2, 3])
    #expect(try stored[0].datum.data == bytes(of: fixture("rgb.png")))
    #expect(try stored[2].datum.data == bytes(of: fixture("color.jpg")))
    // Gray, but colour is wanted.
    #expect(try stored[1].datum.data != bytes(of: fixture("gray.jpg")))
    #expect(try decoded(stored[1].datum.data).channels == 3)
    #expect(try decoded(stored[1].datum.data).pixels.allSatisfy { abs(Int($0) - 77) <= 1 })
  }

  /// As Caffe does, whose tool looks at no more than the name.
  @Test func keepsFilesOfOtherKinds() throws {
    let text = "P2 2 1 255 7 9\n"
    let list = try ImageList(folder.write("list.txt", "a.pgm 3\n".utf8))
    _ = try folder.write("a.pgm", text.utf8)
    var conversion = ImageSetConversion()
    conversion.root = folder("")
    conversion.storage = .asListed
    _ = try conversion.convert(list, to: folder("db"))
    #expect(try records(folder("db")).map(\.datum.data) == [Array(text.utf8)])
    conversion.size = (2, 2)
    expectError(
      "\(folder("sized")): \(folder("list.txt")): line 1: \(folder("a.pgm")): 'pgm' names no kind of encoding; set encode_type to jpg or png"
    ) { _ = try conversion.convert(list, to: folder("sized")) }
  }

  @Test(arguments: ImageEncoder.Format.allCases, [false, true])
  func encodesEveryFileAsOneKind(format: ImageEncoder.Format, isGray: Bool) throws {
    try convert("rgb.png 0\ncolor.jpg 1\ngray.png 2\n") {
      $0.storage = .encoded(format)
      $0.isGray = isGray
      $0.size = (20, 30)
    }
    let records = try records(folder("db"))
    #expect(records.count == 3)
    for (key, datum) in records {
      #expect(ImageEncoder.Format(of: datum.data) == format, "\(key)")
      let image = try decoded(datum.data)
      #expect((image.height, image.width, image.channels) == (20, 30, isGray ? 1 : 3))
    }
  }

  /// PNG loses nothing; JPEG of quality 95 a few grey levels of a smooth picture.
  @Test(arguments: [1, 3])
  func whatIsEncodedIsWhatWasGiven(channels: Int) throws {
    let image = Image(
      height: 40, width: 31, channels: channels,
      pixels: (0..<40 * 31 * channels).map {
        UInt8(60 * ($0 % channels) + ($0 / channels / 31) * 2)
      })
    let png = try ImageEncoder.encode(image, .png)
    #expect(try decoded(png) == image)
    let jpg = try decoded(ImageEncoder.encode(image, .jpg))
    #expect(jpg.pixels.count == image.pixels.count && jpg.channels == channels)
    #expect(zip(jpg.pixels, image.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 4 })
  }

  // MARK: Order

  @Test func shufflesByTheSeedAndNumbersAnew() throws {
    let list = (0..<30).map { "rgb.png \($0)\n" }.joined()
    var orders: [[Int]] = []
    for seed in [1, 1, 2] as [UInt64] {
      try convert(list) { $0.shuffleSeed = seed }
      let records = try records(folder("db"))
      #expect(records.map(\.key) == (0..<30).map { String(format: "%08d_rgb.png", $0) })
      orders.append(records.map(\.datum.label))
      try FileManager.default.removeItem(atPath: folder("db"))
    }
    #expect(orders[0] == orders[1] && orders[0] != orders[2])
    #expect(orders.allSatisfy { $0.sorted() == Array(0..<30) })
  }

  // MARK: Refusals

  @Test func anUnreadableImageEndsItUnlessSkipped() throws {
    let list = "rgb.png 0\nforeign.h5 1\nnone.png 2\ngray.png 3\n"
    expectError(
      "\(folder("list.txt")): line 2: \(fixture("foreign.h5")): the image is neither PNG, JPEG, BMP nor PNM"
    ) { try convert(list) }
    #expect(!FileManager.default.fileExists(atPath: folder("db")))
    var reports: [String] = []
    let outcome = try convert(list, { $0.skipsDamaged = true }, report: { reports.append($0) })
    #expect(outcome.written == 2 && outcome.skipped == 2)
    #expect(reports.count == 2)
    #expect(reports[1].contains("line 3: File not found: "), "\(reports)")
    // As in Caffe, the numbers are those of the lines.
    #expect(try records(folder("db")).map(\.key) == ["00000000_rgb.png", "00000003_gray.png"])
  }

  @Test func refusesWhatCannotBe() throws {
    expectError("line 2: \(fixture("gray.png")): the image is 3×2×3, but the first is 3×9×17") {
      try convert("gray.jpg 0\ngray.png 0\n") { $0.checksSize = true }
    }
    expectError("'h5' names no kind of encoding; set encode_type to jpg or png") {
      try convert("foreign.h5 0\n") {
        $0.storage = .asListed
        $0.size = (2, 2)
      }
    }
    expectError("none of the images can be read") {
      try convert("none.png 0\n") { $0.skipsDamaged = true }
    }
    expectError("1000000×1000000 pixels") {
      try convert("rgb.png 0\n") { $0.size = (1_000_000, 1_000_000) }
    }
  }
}
