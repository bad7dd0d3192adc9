import CaffeData
import CaffeTestSupport
import Foundation
import Testing

/// The subcommands that make databases and means.
@Suite struct ConversionCommandTests {
  let folder: TemporaryFolder

  /// Three grey pictures of 4×6, 4×6 and 2×2 pixels, and their list.
  init() throws {
    folder = try TemporaryFolder()
    for (name, height, width) in [("a b", 4, 6), ("c", 4, 6), ("d", 2, 2)] {
      let image = Image(
        height: height, width: width, channels: 1,
        pixels: (0..<height * width).map { UInt8(10 * $0) })
      try folder.write("\(name).png", ImageEncoder.encode(image, .png))
    }
    try folder.write("list.txt", "a b.png 4\nc.png 5\n")
  }

  func run(_ arguments: String...) throws -> Outcome { try Run(arguments, in: folder).outcome() }

  @Test(arguments: [
    ["convert-imageset", "--gray", "--shuffle", "--resize-height", "3", "--resize-width", "5"],
    ["convert_imageset", "-gray", "-shuffle=true", "-resize_height=3", "-resize_width=5"],
    [
      "convert-imageset", "--gray=true", "--encoded=false", "--nocheck_size", "--resize_height",
      "3",
      "--resize_width", "5", "--backend=leveldb", "-shuffle=1",
    ],
  ])
  func flagsOfConvertImagesetAreReadInBothSpellings(flags: [String]) throws {
    let outcome = try Run(flags + ["./", "list.txt", "db"], in: folder).outcome()
    #expect(outcome.status == 0 && outcome.output == "db: 2 records\n", "\(outcome)")
    #expect(outcome.log == ["Shuffling data", "A total of 2 images."])
    let isLevelDB = flags.contains("--backend=leveldb")
    #expect(folder.exists(isLevelDB ? "db/CURRENT" : "db/data.mdb"))
    #expect(try ImageMean(of: DatabaseKind.open(folder("db"))).values.count == 3 * 5)
  }

  @Test func convertImagesetStoresFiles() throws {
    let outcome = try run(
      "convert-imageset", "--encoded", "--encode_type", "png", "--gray", folder(""), "list.txt",
      "db")
    #expect(outcome.status == 0, "\(outcome)")
    let cursor = try LMDBDatabase(folder("db")).makeCursor()
    let isOriginal = try cursor.next { record in
      try Array(record.value).contains(folder.read("a b.png"))
    }
    #expect(isOriginal == true)
  }

  /// Standard error has one line that says where and why; no database appears.
  @Test(arguments: [
    ("a b.png 0\nnone.png 1\n", [], "list.txt: line 2: File not found: none.png"),
    ("c.png 0\nd.png 1\n", ["--check_size"], "list.txt: line 2: d.png: the image is 3×2×2, but"),
    ("c.png\n", [], "list.txt: line 1: a path, a space and a label are wanted"),
  ])
  func convertImagesetTellsWhatIsWrong(list: String, flags: [String], words: String) throws {
    try folder.write("list.txt", list)
    let outcome = try Run(
      ["convert-imageset"] + flags + ["", "list.txt", "db"], in: folder
    ).outcome()
    #expect(outcome.status == 1 && outcome.complaints.count == 1, "\(outcome)")
    #expect(outcome.complaints.first?.contains(words) == true, "\(outcome)")
    #expect(!folder.exists("db"))
  }

  @Test func convertImagesetSkipsAndCounts() throws {
    try folder.write("list.txt", "c.png 0\nnone.png 1\n")
    let outcome = try run("convert-imageset", "--skip-damaged", "", "list.txt", "db")
    #expect(outcome.output == "db: 1 records, 1 images left out\n", "\(outcome)")
    #expect(outcome.log.contains { $0.hasPrefix("list.txt: line 2: File not found: none.png") })
  }

  @Test func meansAreToldAsByCaffe() throws {
    #expect(try run("convert-imageset", "", "list.txt", "db").status == 0)
    let outcome = try run("compute_image_mean", "-backend=lmdb", "db", "mean.binaryproto")
    #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome)")
    // Pixels 0, 10, …, 230: 115 on average.
    #expect(
      outcome.log == [
        "Write to mean.binaryproto", "Number of channels: 3", "mean_value channel [0]: 115",
        "mean_value channel [1]: 115", "mean_value channel [2]: 115",
      ])
    #expect(folder.exists("mean.binaryproto"))
    let gone = try run("compute-image-mean", "none")
    #expect(gone.complaints == ["caffe-swift: none: No such file or directory"], "\(gone)")
  }

  @Test(arguments: ["lmdb", "leveldb"])
  func convertCIFARMakesBothDatabases(backend: String) throws {
    let record = [7] + [UInt8](repeating: 1, count: 3072)
    for name in (1...5).map({ "data_batch_\($0)" }) + ["test_batch"] {
      try folder.write(name + ".bin", record)
    }
    let outcome = try run("convert-cifar", ".", ".", backend)
    #expect(
      outcome.lines == [
        "./cifar10_train_\(backend): 5 records", "./cifar10_test_\(backend): 1 records",
      ], "\(outcome)")
  }

  @Test func convertMNISTMakesEitherKind() throws {
    try SmallData.writeIDX(to: folder, count: 4)
    for (backend, file) in [("lmdb", "data.mdb"), ("leveldb", "CURRENT")] {
      let outcome = try run(
        "convert_mnist_data", "--backend", backend, "images.idx", "labels.idx", backend)
      #expect(outcome.output == "\(backend): 4 records\n", "\(outcome)")
      #expect(folder.exists("\(backend)/\(file)"))
    }
    let again = try run("convert-mnist", "images.idx", "labels.idx", "lmdb")
    #expect(again.status == 1 && again.complaints.count == 1, "\(again)")
    #expect(again.errors.contains("lmdb: this exists already"), "\(again)")
  }

  /// Caffe's program makes a LevelDB.
  @Test(arguments: [
    (["convert_mnist_siamese_data"], "CURRENT"),
    (["convert-mnist-siamese", "--backend=lmdb"], "data.mdb"),
  ])
  func convertMNISTSiameseMakesPairs(command: [String], file: String) throws {
    try SmallData.writeIDX(to: folder, count: 4)
    let outcome = try Run(command + ["images.idx", "labels.idx", "pairs"], in: folder).outcome()
    #expect(outcome.output == "pairs: 4 records\n" && outcome.status == 0, "\(outcome)")
    #expect(folder.exists("pairs/\(file)"))
  }

  /// The lines of BVLC Caffe 1.0.0 (Debian 11's package) for the same files: gray of 31, 30 and 29, less
  /// the mean file's mean.
  @Test func classificationTakesCaffesArguments() throws {
    try folder.write(
      "deploy.prototxt",
      """
      layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 1 dim: 3 } } }
      layer { name: "f" type: "Flatten" bottom: "data" top: "f" }
      layer { name: "s" type: "Power" bottom: "f" top: "s" power_param { scale: 0.5 } }
      layer { name: "prob" type: "Softmax" bottom: "s" top: "prob" }
      """)
    // layer { name: "f" type: "Flatten" }
    try folder.write("net.caffemodel", [162, 6, 12, 10, 1, 102, 18, 7] + Array("Flatten".utf8))
    // 1 × 1 × 1 × 3: 1.5, 2, 4
    try folder.write(
      "mean.binaryproto",
      [8, 1, 16, 1, 24, 1, 32, 3, 42, 12, 0, 0, 192, 63, 0, 0, 0, 64, 0, 0, 128, 64])
    try folder.write("labels.txt", "alpha\nbeta two\ngamma, 3\n")
    try folder.write("c.ppm", "P3\n3 1\n255\n49 27 0  30 30 30  29 29 29\n")
    let outcome = try run(
      "classification", "deploy.prototxt", "net.caffemodel", "mean.binaryproto", "labels.txt",
      "c.ppm")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    #expect(
      outcome.lines == [
        "---------- Prediction for c.ppm ----------", "0.5065 - \"alpha\"",
        "0.3072 - \"beta two\"", "0.1863 - \"gamma, 3\"",
      ])
  }

  @Test(arguments: [
    ["convert-imageset", "--resize_width", "3", "a", "b", "c"],
    ["convert-imageset", "--encode_type", "bmp", "a", "b", "c"],
    ["convert-imageset", "--backend", "sqlite", "a", "b", "c"], ["convert-imageset", "a", "b"],
    ["convert-cifar", "a", "b", "sqlite"], ["compute-image-mean"],
  ])
  func wrongUseExitsWith64(arguments: [String]) throws {
    let outcome = try Run(arguments, in: folder).outcome()
    #expect(outcome.status == 64, "\(outcome)")
  }
}
