import CaffeData
import CaffeErrors
import CaffeSchema
import Foundation
import Testing

/// Files read as databases, without conversion.
@Suite struct FileDatabaseTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  func bigEndian(_ numbers: UInt32...) -> [UInt8] {
    numbers.flatMap { number in withUnsafeBytes(of: number.bigEndian) { Array($0) } }
  }

  /// Five images of 2×2, image `i` of pixels `10·i…`, labels 5, 4, 3, 2, 1.
  @discardableResult
  func writeIDX(_ images: String = "t-images-idx3-ubyte", _ labels: String = "t-labels-idx1-ubyte")
    throws -> String
  {
    let pixels = (0..<5).flatMap { image in (0..<4).map { UInt8(10 * image + $0) } }
    _ = try folder.write(labels, bigEndian(2049, 5) + [5, 4, 3, 2, 1])
    return try folder.write(images, bigEndian(2051, 5, 2, 2) + pixels)
  }

  /// `count` records, record `i` of label `i mod 10` and the pixel value `first + i`.
  func cifar(_ count: Int, first: Int = 0) -> [UInt8] {
    (0..<count).flatMap { [UInt8($0 % 10)] + Array(repeating: UInt8(first + $0), count: 3072) }
  }

  func records(_ database: any RecordDatabase) throws -> [(key: String, value: [UInt8])] {
    let cursor = try database.makeCursor()
    var records: [(key: String, value: [UInt8])] = []
    while let record = try cursor.next({ ($0.name, Array($0.value)) }) { records.append(record) }
    return records
  }

  // MARK: idx

  @Test func idxHoldsWhatItsConversionHolds() throws {
    let images = try writeIDX()
    try MNISTConversion.convert(
      images: images, labels: folder("t-labels-idx1-ubyte"), to: folder("db"))
    let (ours, converted) = (
      try records(IDXDatabase(images)), try records(LMDBDatabase(folder("db")))
    )
    #expect(ours.count == 5)
    #expect(ours.map(\.key) == converted.map(\.key))
    #expect(ours.map(\.value) == converted.map(\.value))
  }

  @Test func readsCompressedFiles() throws {
    let prefix = "/usr/share/datasets/fashion-mnist/t10k-"
    guard FileManager.default.fileExists(atPath: prefix + "images-idx3-ubyte.gz") else { return }
    let database = try IDXDatabase(prefix + "images-idx3-ubyte.gz")
    #expect(database.count == 10000)
    let cursor = try database.makeCursor()
    try cursor.seek(to: 9999)
    #expect(try cursor.next { try DatumRecord(binary: $0.value).label } == 5)
    #expect(try cursor.next(\.name) == nil)
  }

  @Test(arguments: [
    ("a-images-idx3-ubyte", "a-labels-idx1-ubyte"), ("images.idx", "labels.idx"),
    ("images", "labels.gz"), ("images-idx3.gz", "labels-idx1"),
  ])
  func findsTheLabelsBeside(images: String, labels: String) throws {
    // A name that ends in .gz need not be compressed: the content tells.
    let database = try IDXDatabase(writeIDX(images, labels))
    #expect(try records(database).count == 5)
  }

  @Test func tellsWhichLabelsAreMissing() throws {
    let path = try writeIDX("images.idx", "elsewhere.idx")
    expectError("\(path): the labels \(folder("labels.idx")) are missing") {
      _ = try IDXDatabase(path)
    }
    expectError("but 'pictures.idx' has no 'images'") {
      _ = try IDXDatabase(writeIDX("pictures.idx"))
    }
    _ = try folder.write("labels.idx", bigEndian(2049, 1) + [0])
    expectError("images.idx has 5 images, but \(folder("labels.idx")) has 1 labels") {
      _ = try IDXDatabase(path)
    }
  }

  // MARK: CIFAR-10

  @Test func readsTheFilesOfAPatternInOrder() throws {
    for (file, first) in [("data_batch_2.bin", 100), ("data_batch_1.bin", 0)] {
      _ = try folder.write(file, cifar(12, first: first))
    }
    let database = try CIFARDatabase(folder("data_batch_*.bin"))
    #expect(database.count == 24)
    let records = try records(database)
    #expect(records.map(\.key) == (0..<24).map { String(format: "%05d", $0) })
    for (index, record) in records.enumerated() {
      let datum = try record.value.withUnsafeBytes { try DatumRecord(binary: $0) }
      #expect(datum.label == index % 12 % 10)
      #expect((datum.channels, datum.height, datum.width) == (3, 32, 32))
      #expect(Set(datum.data) == [UInt8(index < 12 ? index : 88 + index)])
    }
  }

  @Test(arguments: WritableDatabase.allCases)
  func convertsBothParts(backend: WritableDatabase) throws {
    for batch in 1...5 { _ = try folder.write("data_batch_\(batch).bin", cifar(2, first: batch)) }
    _ = try folder.write("test_batch.bin", cifar(3))
    for (part, count) in zip(CIFARConversion.parts, [10, 3]) {
      let database = try part.read(folder.path)
      let path = folder(part.database(backend))
      #expect(try CIFARConversion.convert(database, to: path, as: backend) == count)
      let (written, read) = (try records(DatabaseKind.open(path)), try records(database))
      #expect(written.map(\.value) == read.map(\.value))
    }
    try FileManager.default.removeItem(atPath: folder("data_batch_3.bin"))
    expectError("File not found: \(folder("data_batch_3.bin"))") {
      _ = try CIFARConversion.parts[0].read(folder.path)
    }
  }

  @Test func tellsWhatIsNotCIFAR() throws {
    let cut = try folder.write("cut.bin", cifar(2).dropLast())
    expectError("\(cut): a file of CIFAR-10 has records of 3073 bytes, this has 6145 bytes") {
      _ = try CIFARDatabase(cut)
    }
    let other = try folder.write("other.bin", cifar(1) + [10] + cifar(1).dropFirst())
    expectError("\(other): record 1 has the label 10; CIFAR-10's are below 10") {
      _ = try CIFARDatabase(other)
    }
    expectError("\(folder("none_*.bin")): no file has such a name") {
      _ = try CIFARDatabase(folder("none_*.bin"))
    }
    expectError("\(folder("none")): No such file or directory") {
      _ = try CIFARDatabase(folder("none"))
    }
  }

  // MARK: In a net

  @Test func theDataLayerReadsThem() throws {
    try writeIDX()
    _ = try folder.write("test_batch.bin", cifar(3))
    let idx = try TestLayer(
      DataLayer.kind,
      "data_param { source: \"t-images-idx3-ubyte\" batch_size: 3 backend: IDX }",
      folder: folder.path)
    #expect(idx.layer.top.map(\.shape.dimensions) == [[3, 1, 2, 2], [3]])
    #expect(try idx.batches(2).map { $0[1] } == [[5, 4, 3], [2, 1, 5]])
    #expect(try idx.forward()[0].prefix(5) == [10, 11, 12, 13, 20])
    let cifar = try TestLayer(
      DataLayer.kind, "data_param { source: \"test_batch.bin\" batch_size: 2 backend: CIFAR }",
      folder: folder.path)
    #expect(cifar.layer.top[0].shape.dimensions == [2, 3, 32, 32])
    #expect(try cifar.batches(2).map { $0[1] } == [[0, 1], [2, 0]])
  }

  /// What the file is counts more than what `backend` says; Caffe's default is LEVELDB.
  @Test func aFileIsReadAsWhatItIs() throws {
    let path = try writeIDX()
    let remarks = Remarks()
    let layer = try TestLayer(
      DataLayer.kind, "data_param { source: \"\(path)\" batch_size: 5 }", report: remarks.add)
    #expect(try layer.forward()[1] == [5, 4, 3, 2, 1])
    #expect(
      remarks.all == ["\(path) is a database of backend IDX, not LEVELDB; it is read so"])
    expectError("this is neither a database (LMDB, LevelDB) nor a file of images (idx, CIFAR-10)") {
      _ = try DatabaseKind.open(fixture("rgb.png"))
    }
    expectError("\(folder("none")): No such file or directory") {
      _ = try DatabaseKind.open(folder("none"))
    }
  }
}
