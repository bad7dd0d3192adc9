import CaffeTestSupport
import Foundation
import Testing

/// Whatever is wrong with the input: status 1, one line on standard error that names the place, and
/// no file more than before.
@Suite struct BadInputTests {
  struct Mistake: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var net: [(String, String)] = []
    var solver = ""
    var arguments = ["train", "--solver", "solver.prototxt"]
    var prepare: @Sendable (Workshop) throws -> Void = { _ in }
    /// What the line must contain.
    let words: [String]
  }

  @Test(arguments: nets + solvers + databases + snapshots + tools)
  func isMetWithOneLine(mistake: Mistake) throws {
    let shop = try Workshop(
      net: mistake.net, solver: mistake.solver)
    try mistake.prepare(shop)
    let before = try files(shop)
    let outcome = try shop.run(mistake.arguments)
    #expect(outcome.status == 1 && outcome.complaints.count == 1, "\(outcome)")
    let line = outcome.complaints.first ?? ""
    #expect(line.hasPrefix("caffe-swift: "), "\(outcome)")
    for word in mistake.words { #expect(line.contains(word), "\(line)") }
    #expect(try files(shop) == before)
  }

  /// All but the lock that every reader of an LMDB makes.
  private func files(_ shop: Workshop) throws -> [String] {
    try shop.folder.names(hidden: true).filter { !$0.hasSuffix("lock.mdb") }
  }

  static let nets = [
    Mistake(
      testDescription: "missing net", prepare: { try remove("net.prototxt", $0) },
      words: ["solver.prototxt: net: File not found: net.prototxt"]),
    Mistake(
      testDescription: "typo in a field", net: [("num_output: 4", "num_ouput: 4")],
      words: ["net.prototxt:4:", "num_ouput", "did you mean \"num_output\""]),
    Mistake(
      testDescription: "unclosed brace", net: [("top: \"loss\" }", "top: \"loss\"")],
      words: ["net.prototxt:9:", "}"]),
    Mistake(
      testDescription: "unknown layer type", net: [("\"Convolution\"", "\"Convolutoin\"")],
      words: [
        "net 'tiny'", "layer 'conv'", "line 4", "Unknown layer type: Convolutoin",
        "did you mean \"Convolution\"",
      ]),
    Mistake(
      testDescription: "unknown bottom",
      net: [("bottom: \"data\" top: \"conv\"", "bottom: \"dta\" top: \"conv\"")],
      words: ["net 'tiny'", "Unknown bottom blob 'dta'", "layer 'conv'", "line 4", "'data'"]),
    Mistake(
      testDescription: "in place where that cannot be", net: [("\"ip\"", "\"conv\"")],
      words: ["net 'tiny'", "layer 'conv'", "line 6", "in-place"]),
    Mistake(
      testDescription: "kernel larger than the image", net: [("kernel_size: 3", "kernel_size: 9")],
      words: ["net 'tiny'", "layer 'conv' (Convolution), line 4", "kernel_size 9 does not fit"]),
    Mistake(
      testDescription: "crop larger than the image", net: [("crop_size: 5", "crop_size: 50")],
      words: ["net 'tiny'", "layer 'data' (Data), line 2", "crop"]),
    Mistake(
      testDescription: "labels that do not fit the scores",
      net: [
        (
          "bottom: \"ip\" bottom: \"label\" top: \"loss\"",
          "bottom: \"ip\" bottom: \"ip\" top: \"loss\""
        )
      ],
      words: ["net 'tiny'", "layer 'loss' (SoftmaxWithLoss), line 8", "label"]),
    Mistake(
      testDescription: "label outside the classes", net: [("num_output: 3", "num_output: 2")],
      words: [
        "net 'tiny'", "layer 'loss' (SoftmaxWithLoss), line 8", "label 2 at index 2",
        "2 classes (0..<2)",
      ]),
    Mistake(
      testDescription: "label outside the classes of a test net",
      net: [("num_output: 3", "num_output: 2")],
      solver: "test_iter: 1 test_interval: 1",
      words: ["layer 'accuracy' (Accuracy), line 7", "label 2"]),
  ]

  static let solvers = [
    Mistake(
      testDescription: "missing solver", arguments: ["train", "--solver", "gone.prototxt"],
      words: ["File not found: gone.prototxt"]),
    Mistake(
      testDescription: "typo in the solver", solver: "step_size: 3",
      words: ["solver.prototxt:9:1", "step_size", "did you mean \"stepsize\""]),
    Mistake(
      testDescription: "solver given as net",
      arguments: ["test", "--model", "solver.prototxt", "--weights", "x"],
      words: ["solver.prototxt:1:1", "NetParameter"]),
    Mistake(
      testDescription: "unknown solver type", solver: "type: \"Adma\"",
      words: ["solver.prototxt", "Unknown solver type: Adma", "did you mean \"Adam\""]),
    Mistake(
      testDescription: "momentum with AdaGrad", solver: "type: \"AdaGrad\"",
      words: ["solver.prototxt", "Momentum cannot be used with AdaGrad"]),
    Mistake(
      testDescription: "policy without its field", solver: "lr_policy: \"step\"",
      words: ["solver.prototxt", "lr_policy \"step\" needs stepsize"]),
    Mistake(
      testDescription: "test net without test_iter",
      solver: "test_net: \"net.prototxt\"",
      words: ["solver.prototxt", "test_iter must be specified for each test network"]),
    Mistake(
      testDescription: "test_iter without test_interval", solver: "test_iter: 2",
      words: ["solver.prototxt", "test_interval must be positive"]),
    Mistake(
      testDescription: "snapshot prefix without a folder",
      solver: "snapshot: 2 snapshot_prefix: \"no/such/folder\"",
      words: ["solver.prototxt", "snapshot prefix 'no/such/folder'"]),
    Mistake(
      testDescription: "prefix without a folder for the last snapshot",
      solver: "snapshot_prefix: \"no/such/folder\"",
      words: ["solver.prototxt", "snapshot prefix 'no/such/folder'"]),
  ]

  static let databases = [
    Mistake(
      testDescription: "no database", prepare: { try remove("data", $0) },
      words: ["layer 'data' (Data), line 2: data_param.source: data"]),
    Mistake(
      testDescription: "a folder that is no LMDB", prepare: { try remove("data/data.mdb", $0) },
      words: ["layer 'data' (Data), line 2: data_param.source: data"]),
    Mistake(
      testDescription: "an LMDB that is not one",
      prepare: { try $0.folder.write("data/data.mdb", Array(repeating: 7, count: 1 << 14)) },
      words: ["layer 'data' (Data), line 2: data_param.source: data"]),
    Mistake(
      testDescription: "an LMDB cut short",
      prepare: { shop in
        let bytes = try shop.folder.read("data/data.mdb")
        try shop.folder.write("data/data.mdb", Array(bytes.prefix(bytes.count / 2)))
      }, words: ["data"]),
    Mistake(
      testDescription: "a file as database",
      prepare: { shop in
        try remove("data", shop)
        try shop.folder.write("data", "x")
      }, words: ["layer 'data' (Data), line 2: data_param.source: data"]),
    Mistake(
      testDescription: "a LevelDB over which its library aborts",
      arguments: ["compute-image-mean", "level", "mean.binaryproto"],
      prepare: { shop in
        try FileManager.default.copyItem(
          atPath: PackageFolder.path("Tests/Fixtures/leveldb-log"), toPath: shop.folder("level"))
        // A change that comes twice.
        let log = try shop.folder.read("level/000003.log")
        try shop.folder.write("level/000003.log", log + log)
      }, words: ["level: libleveldb broke down (signal 6) over this file, which must be damaged"]),
  ]

  private static func resume(_ file: String) -> [String] {
    ["train", "--solver", "solver.prototxt", "--snapshot", file]
  }

  /// Trains for two iterations in each format, so that there are snapshots to spoil.
  @Sendable private static func train(_ shop: Workshop) throws {
    let text = String(decoding: try shop.folder.read("solver.prototxt"), as: UTF8.self)
      .replacing("max_iter: 6", with: "max_iter: 2").replacing("\"tiny\"", with: "\"two\"")
    for format in ["BINARYPROTO", "HDF5"] {
      try shop.folder.write("first.prototxt", text + "snapshot_format: \(format)")
      let outcome = try shop.run("train", "--solver", "first.prototxt")
      guard outcome.status == 0 else { throw Mismatch("\(outcome)") }
    }
  }

  private static func truncate(_ name: String, to share: Double)
    -> @Sendable (Workshop) throws -> Void
  {
    { shop in
      try train(shop)
      let bytes = try shop.folder.read(name)
      try shop.folder.write(name, Array(bytes.prefix(Int(Double(bytes.count) * share))))
    }
  }

  static let snapshots =
    ["", ".h5"].flatMap { ending -> [Mistake] in
      let (state, model) = ("two_iter_2.solverstate" + ending, "two_iter_2.caffemodel" + ending)
      return [0, 0.3, 0.9].flatMap { share in
        [
          Mistake(
            testDescription: "\(share) of \(state)", arguments: resume(state),
            prepare: truncate(state, to: share), words: [state]),
          Mistake(
            testDescription: "\(share) of \(model)", arguments: resume(state),
            prepare: truncate(model, to: share), words: [model]),
        ]
      } + [
        Mistake(
          testDescription: "\(model) given as --snapshot", arguments: resume(model), prepare: train,
          words: ["\(model) holds weights, not a solver state", "--weights"]),
        Mistake(
          testDescription: "\(state) given as --weights",
          arguments: ["train", "--solver", "solver.prototxt", "--weights", state], prepare: train,
          words: [state, "solver state", "--snapshot"]),
        Mistake(
          testDescription: "\(state) without its weights", arguments: resume(state),
          prepare: { shop in
            try train(shop)
            try remove(model, shop)
          }, words: [state, model]),
        Mistake(
          testDescription: "\(state) of another solver", solver: "type: \"Nesterov\"",
          arguments: resume(state),
          prepare: { shop in
            try train(shop)
            let text = String(decoding: try shop.folder.read("solver.prototxt"), as: UTF8.self)
            try shop.folder.write(
              "solver.prototxt", text.replacingOccurrences(of: "Nesterov", with: "SGD"))
          }, words: [state, "type \"Nesterov\"", "type \"SGD\""]),
        Mistake(
          testDescription: "\(state) of another net", arguments: resume(state),
          prepare: { shop in
            try train(shop)
            let net = Workshop.net.replacingOccurrences(of: "num_output: 4", with: "num_output: 5")
            try shop.folder.write("net.prototxt", net)
          }, words: [state, "4 1 3 3 (36)", "5 1 3 3 (45)"]),
      ]
    }
    + [
      ("text", "net: \"x\"\n"), ("zeros", String(repeating: "\0", count: 999)),
      ("noise", "\u{7f}ELF\u{2}\u{1}"),
    ]
    .flatMap { name, content in
      ["--snapshot", "--weights"].map { flag in
        Mistake(
          testDescription: "\(name) as \(flag)",
          arguments: ["train", "--solver", "solver.prototxt", flag, "foreign"],
          prepare: { try $0.folder.write("foreign", content) }, words: ["foreign"])
      }
    }
    + [
      Mistake(
        testDescription: "a missing snapshot", arguments: resume("gone.solverstate"),
        words: ["File not found: gone.solverstate"]),
      Mistake(
        testDescription: "missing weights",
        arguments: ["train", "--solver", "solver.prototxt", "--weights", "gone.caffemodel"],
        words: ["File not found: gone.caffemodel"]),
    ]

  static let tools = [
    Mistake(
      testDescription: "export of a missing file", arguments: ["export", "gone", "out.h5"],
      words: ["gone"]),
    Mistake(
      testDescription: "export of a text", arguments: ["export", "net.prototxt", "out.h5"],
      words: ["net.prototxt"]),
    Mistake(
      testDescription: "export into no folder",
      arguments: ["export", "two_iter_2.caffemodel", "no/out.h5"],
      prepare: train, words: ["no/out.h5"]),
    Mistake(
      testDescription: "existing database",
      arguments: ["convert-mnist", "images.idx", "labels.idx", "data"], words: ["data: ", "exists"]),
    Mistake(
      testDescription: "images and labels swapped",
      arguments: ["convert-mnist", "labels.idx", "images.idx", "new"],
      words: ["labels.idx", "2049"]),
    Mistake(
      testDescription: "images cut short",
      arguments: ["convert-mnist", "images.idx", "labels.idx", "new"],
      prepare: { shop in
        try shop.folder.write("images.idx", Array(try shop.folder.read("images.idx").dropLast(9)))
      }, words: ["images.idx"]),
    Mistake(
      testDescription: "timing a missing net", arguments: ["time", "--model", "gone"],
      words: ["File not found: gone"]),
  ]

  @Sendable private static func remove(_ name: String, _ shop: Workshop) throws {
    try FileManager.default.removeItem(atPath: shop.folder(name))
  }
}

/// A disk that is full when a snapshot or a database is written.
@Suite struct FullDiskTests {
  /// A file system of 1 MB in memory; only root can mount one.
  final class SmallDisk {
    let path: String

    init?(_ path: String) throws {
      self.path = path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      guard mount("tmpfs", path, "tmpfs", 0, "size=1m") == 0 else { return nil }
    }

    deinit { umount2(path, 2) }
  }

  static let canMount: Bool = {
    guard let folder = try? TemporaryFolder() else { return false }
    return (try? SmallDisk(folder("disk"))) ?? nil != nil
  }()

  @Test(
    .enabled(if: canMount, "mounting a small disk needs root"), arguments: ["BINARYPROTO", "HDF5"])
  func snapshotsAreWrittenInFullOrNotAtAll(format: String) throws {
    // 3 × 36 weights fit, 100,000 × 3 do not.
    let shop = try Workshop(
      net: [("bottom: \"conv\" top: \"ip\"", "bottom: \"wide\" top: \"ip\"")].map { old, new in
        (
          "layer { name: \"ip\" type: \"InnerProduct\" " + old,
          """
          layer { name: "wide" type: "InnerProduct" bottom: "conv" top: "wide" inner_product_param { num_output: 10000 weight_filler { type: "xavier" } } }
          layer { name: "ip" type: "InnerProduct" \(new)
          """
        )
      }, solver: "max_iter: 3 snapshot_prefix: \"disk/tiny\" snapshot_format: \(format)")
    let disk = try #require(try SmallDisk(shop.folder("disk")))
    let outcome = try shop.run("train", "--solver", "solver.prototxt")
    #expect(outcome.status == 1 && outcome.complaints.count == 1, "\(outcome)")
    let line = outcome.complaints.first ?? ""
    #expect(line.contains("disk/tiny_iter_3.caffemodel"), "\(line)")
    #expect(line.lowercased().contains("no space left on device"), "\(line)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == [])
  }

  @Test(.enabled(if: canMount, "mounting a small disk needs root"))
  func databasesAreMadeInFullOrNotAtAll() throws {
    let shop = try Workshop()
    try SmallData.writeIDX(to: shop.folder, count: 2000, side: 28)
    let disk = try #require(try SmallDisk(shop.folder("disk")))
    let outcome = try shop.run("convert-mnist", "images.idx", "labels.idx", "disk/lmdb")
    #expect(outcome.status == 1 && outcome.complaints.count == 1, "\(outcome)")
    #expect(outcome.complaints.first?.contains("disk/lmdb") == true, "\(outcome)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == [])
  }
}
