import CaffeData
import CaffeErrors
import CaffeSchema
import Foundation
import Testing

@Suite struct MNISTConversionTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  func bigEndian(_ numbers: UInt32...) -> [UInt8] {
    numbers.flatMap { number in withUnsafeBytes(of: number.bigEndian) { Array($0) } }
  }

  /// Three images of 2×2: 0…3, 10…13, 20…23, with the labels 7, 8, 9.
  var images: [UInt8] {
    bigEndian(2051, 3, 2, 2) + [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]
  }
  var labels: [UInt8] { bigEndian(2049, 3) + [7, 8, 9] }

  func convert(_ images: [UInt8], _ labels: [UInt8]) throws {
    try MNISTConversion.convert(
      images: folder.write("images", images), labels: folder.write("labels", labels),
      to: folder("db"))
  }

  @Test func makesOneRecordOfEachImage() throws {
    try convert(images, labels)
    let database = try LMDBDatabase(folder("db"))
    #expect(database.count == 3)
    let cursor = try database.makeCursor()
    for index in 0..<3 {
      let label = try cursor.next { record -> Int in
        #expect(record.name == "0000000\(index)")
        let datum = try DatumRecord(binary: record.value)
        #expect(datum.channels == 1 && datum.height == 2 && datum.width == 2)
        let pixels = datum.data
        #expect(pixels.elementsEqual((0..<4).map { UInt8(10 * index + $0) }))
        // As Caffe's own tool lays it out: fields by number, no others.
        var expected: [UInt8] = [8, 1, 16, 2, 24, 2, 34, 4]
        expected += pixels
        expected += [40, 7 + UInt8(index)]
        #expect(Array(record.value) == expected)
        return datum.label
      }
      #expect(label == 7 + index)
    }
  }

  /// Two channels, and whether the labels are the same.
  @Test func makesPairs() throws {
    let count = try MNISTPairConversion.convert(
      images: folder.write("images", images),
      labels: folder.write("labels", bigEndian(2049, 3) + [7, 8, 7]), to: folder("pairs"), seed: 5)
    #expect(count == 3)
    let cursor = try LevelDBDatabase(folder("pairs")).makeCursor()
    for index in 0..<3 {
      let (name, value) = try #require(cursor.next { ($0.name, Array($0.value)) })
      #expect(name == "0000000\(index)")
      // As in Caffe's database: channels, height, width, data and label, nothing else.
      #expect(Array(value.prefix(8)) == [8, 2, 16, 2, 24, 2, 34, 8] && value.count == 18)
      let (first, second) = (Array(value[8..<12]), Array(value[12..<16]))
      let pictures = [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]] as [[UInt8]]
      let pair = try [
        #require(pictures.firstIndex(of: first)), #require(pictures.firstIndex(of: second)),
      ]
      #expect(Array(value[16...]) == [40, (pair[0] == 1) == (pair[1] == 1) ? 1 : 0])
    }
    #expect(try cursor.next(\.name) == nil)
  }

  /// The real files, gzip-compressed, if the package dataset-fashion-mnist is installed.
  @Test(
    .enabled(if: FileManager.default.fileExists(atPath: "/usr/share/datasets/fashion-mnist")))
  func convertsFashionMNIST() throws {
    let data = "/usr/share/datasets/fashion-mnist/t10k-"
    var reports: [Int] = []
    let count = try MNISTConversion.convert(
      images: data + "images-idx3-ubyte.gz", labels: data + "labels-idx1-ubyte.gz",
      to: folder("db"), progress: { reports.append($0) })
    #expect(count == 10000)
    #expect(reports == Array(1...10000))
    let database = try LMDBDatabase(folder("db"))
    let cursor = try database.makeCursor()
    try cursor.seek(to: 9999)
    let label = try cursor.next { try DatumRecord(binary: $0.value).label }
    #expect(label == 5)
  }

  @Test func tellsWhatDoesNotFit() throws {
    let cases: [(images: [UInt8], labels: [UInt8], words: String)] = [
      (labels, labels, "not an idx file of images: its magic number is 2049, not 2051"),
      (images, images, "not an idx file of labels: its magic number is 2051, not 2049"),
      ([], labels, "images: truncated: the file ends in its header"),
      (Array(images.prefix(14)), labels, "images: truncated: the file ends in its header"),
      (images, bigEndian(2049, 2) + [7, 8], "images has 3 images, but"),
      (
        images.dropLast(), labels,
        "images: truncated: the header promises 3 items, the file ends in item 2"
      ),
      (images, labels.dropLast(), "labels: truncated: the header promises 3 items"),
      (images + [0], labels, "images: there is more after the 3 items"),
      (images, labels + [0], "labels: there is more after the 3 items"),
      (bigEndian(2051, 0, 2, 2), bigEndian(2049, 0), "there are no images"),
      (bigEndian(2051, 3, 0, 2), labels, "the header claims images of the extents [0, 2]"),
      (
        bigEndian(2051, 3, 4_000_000_000, 2), labels,
        "the header claims images of the extents [4000000000, 2]"
      ),
    ]
    for c in cases {
      expectError(c.words) { try convert(Array(c.images), Array(c.labels)) }
      #expect(!FileManager.default.fileExists(atPath: folder("db")))
    }
    expectError("\(folder("none")): No such file or directory") {
      _ = try IDXFile(folder("none"), .images)
    }
  }

  /// A compressed file cut in the middle must not pass for a shorter one.
  @Test(
    .enabled(if: FileManager.default.fileExists(atPath: "/usr/share/datasets/fashion-mnist")))
  func tellsThatACompressedFileIsTruncated() throws {
    let whole = try bytes(
      of: "/usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz")
    let path = try folder.write("labels.gz", whole.prefix(3000))
    var label = [UInt8](repeating: 0, count: 1)
    expectError("\(path): unexpected end of file") {
      let labels = try IDXFile(path, .labels)
      while try label.withUnsafeMutableBufferPointer({ try labels.next(into: $0) }) {}
    }
  }
}
