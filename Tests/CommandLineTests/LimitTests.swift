import CaffeTestSupport
import Foundation
import RegexBuilder
import Testing

/// Nets and files that ask for more than there is, nest or repeat without an end, or point elsewhere:
/// one sentence each, in bounded time.
@Suite struct LimitTests {
  static let input =
    "layer { name: \"in\" type: \"Input\" top: \"b0\" input_param { shape { %@ } } }"

  // MARK: Sizes

  /// Dimensions whose product no Int holds, and 10⁹ values and more, in the words of the prototxt.
  static let sizes = [
    ("dim: 4294967296 dim: 4294967296", "blob size exceeds 2147483647 values"),
    ("dim: 9223372036854775807 dim: 2 dim: 0", "blob size exceeds 2147483647 values"),
    ("dim: 1000000000 dim: 3", "blob size exceeds 2147483647 values"),
    ("dim: -1", "a dimension cannot be negative"),
    (String(repeating: "dim: 1 ", count: 33), "a blob has at most 32 axes"),
  ]

  @Test(arguments: sizes)
  func blobsTooLargeAreRefused(dimensions: String, sentence: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("net.prototxt", Self.input.replacing("%@", with: dimensions))
    for command in [["summary"], ["check"], ["time", "--iterations", "1", "--model"]] {
      let outcome = try Run(command + ["net.prototxt"], in: folder).outcome()
      #expect(outcome.status != 0 && outcome.isOneLine(with: sentence), "\(command): \(outcome)")
    }
  }

  /// 10⁹ values in each of 4096 blobs are 15 TiB, which the system would promise and never give.
  @Test func netsThatNeedMoreMemoryThanThereIsAreRefused() throws {
    let folder = try TemporaryFolder()
    let tops = (0..<4096).map { "top: \"b\($0)\"" }.joined(separator: " ")
    try folder.write(
      "net.prototxt",
      "name: \"vast\" layer { name: \"in\" type: \"DummyData\" \(tops) dummy_data_param { shape { dim: 1000000000 } } }"
    )
    try folder.write("solver.prototxt", "net: \"net.prototxt\" base_lr: 0.1 lr_policy: \"fixed\"")
    for command in [
      ["time", "--iterations", "1", "--model", "net.prototxt"],
      ["train", "--solver", "solver.prototxt"],
    ] {
      let outcome = try Run(command, in: folder).outcome()
      #expect(outcome.status == 1, "\(outcome)")
      #expect(
        outcome.isOneLine(with: /net 'vast': the net needs at least 15625000 MiB of memory/),
        "\(outcome)")
    }
    // Looking takes no memory.
    #expect(try Run(["summary", "net.prototxt"], in: folder).outcome().status == 0)
  }

  /// More memory than the process may have is one sentence as well, found in the middle of a pass.
  @Test(
    .disabled(if: Sanitizer.isOn, "a sanitizer reserves more addresses than the limit of this test")
  )
  func memoryThatIsRefusedInAPassIsOneSentence() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      "net.prototxt",
      "layer { name: \"in\" type: \"DummyData\" top: \"x\" dummy_data_param { shape { dim: 1000000000 } } }"
    )
    let outcome = try Run(
      shell: "ulimit -v 3000000; \"$0\" time --iterations 1 --model net.prototxt", in: folder
    ).outcome()
    #expect(outcome.status == 1, "\(outcome)")
    #expect(
      outcome.isOneLine(with: /out of memory: 4000000000 bytes could not be allocated/),
      "\(outcome)")
  }

  /// Multiply-adds beyond any Int are told as the largest one.
  @Test func countsDoNotOverflow() throws {
    let folder = try TemporaryFolder()
    // 46340² windows of 46340² taps for each of three bottoms.
    let names = { (name: String) in (0..<3).map { "\(name)\($0)\"" }.joined(separator: " ") }
    try folder.write(
      "net.prototxt",
      """
      layer { name: "in" type: "Input" \(names("top: \"b")) input_param { shape { dim: 1 dim: 1 dim: 1 dim: 1 } } }
      layer {
        name: "c" type: "Convolution" \(names("bottom: \"b")) \(names("top: \"c"))
        convolution_param { num_output: 1 kernel_size: 46340 pad: 46339 }
      }
      """)
    let outcome = try Run(["summary", "net.prototxt"], in: folder).outcome()
    #expect(
      outcome.status == 0 && outcome.output.contains("9,223,372,036,854,775,807"), "\(outcome)")
  }

  // MARK: Counts

  /// A net of 100,000 layers, in the shapes in which each used to look at all others.
  struct Tower: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// The text of layer `i`.
    let layer: @Sendable (Int) -> String
  }

  static let towers = [
    Tower(testDescription: "a chain") {
      "layer { name: \"l\($0)\" type: \"ReLU\" bottom: \"b\($0 - 1)\" top: \"b\($0)\" }"
    },
    Tower(testDescription: "all in place") {
      "layer { name: \"l\($0)\" type: \"ReLU\" bottom: \"b0\" top: \"b0\" }"
    },
    Tower(testDescription: "all on one blob") {
      "layer { name: \"l\($0)\" type: \"ReLU\" bottom: \"b0\" top: \"b\($0)\" }"
    },
    Tower(testDescription: "views and layers in place") {
      $0 % 2 == 0
        ? "layer { name: \"l\($0)\" type: \"ReLU\" bottom: \"b\($0 - 1)\" top: \"b\($0 - 1)\" } layer { name: \"v\($0)\" type: \"Flatten\" bottom: \"b\($0 - 1)\" top: \"b\($0)\" }"
        : "layer { name: \"l\($0)\" type: \"Flatten\" bottom: \"b\($0 - 1)\" top: \"b\($0)\" }"
    },
    Tower(testDescription: "batch norms") {
      "layer { name: \"l\($0)\" type: \"BatchNorm\" bottom: \"b\($0 - 1)\" top: \"b\($0)\" }"
    },
    Tower(testDescription: "a bottom that nobody makes") {
      "layer { name: \"l\($0)\" type: \"ReLU\" bottom: \"c\($0 - 1)\" top: \"b\($0)\" }"
    },
  ]

  private static let isTimed: Comment = "judged by time, which a sanitizer multiplies"

  @Test(.disabled(if: Sanitizer.isOn, isTimed), .timeLimit(.minutes(1)), arguments: towers)
  func aHundredThousandLayersAreLookedAtInSeconds(tower: Tower) throws {
    let folder = try TemporaryFolder()
    let layers = (1..<100_000).map(tower.layer).joined(separator: "\n")
    try folder.write("net.prototxt", Self.input.replacing("%@", with: "dim: 2 dim: 3") + layers)
    let isSound = !tower.testDescription.contains("nobody")
    for command in ["summary", "check"] {
      let began = ContinuousClock.now
      let outcome = try Run([command, "net.prototxt"], in: folder).outcome()
      let time = ContinuousClock.now - began
      print("limits: \(command) of \(tower) takes \(time)")
      #expect(outcome.status == (isSound ? 0 : 1), "\(outcome.errors.prefix(999))")
      #expect(time < .seconds(20))
    }
  }

  @Test(.disabled(if: Sanitizer.isOn, isTimed), .timeLimit(.minutes(1)))
  func aHundredThousandLayersAreTrained() throws {
    let folder = try TemporaryFolder()
    let layers = (1..<100_000).map {
      "layer { name: \"l\($0)\" type: \"Scale\" bottom: \"b\($0 - 1)\" top: \"b\($0)\" }"
    }
    let input = Self.input.replacing("Input", with: "DummyData")
      .replacing("input_param", with: "dummy_data_param").replacing("%@", with: "dim: 1 dim: 1")
    let loss =
      "layer { name: \"loss\" type: \"EuclideanLoss\" bottom: \"b99999\" bottom: \"b0\" top: \"loss\" }"
    try folder.write("net.prototxt", ([input] + layers + [loss]).joined(separator: "\n"))
    try folder.write(
      "solver.prototxt",
      "net: \"net.prototxt\" test_iter: 1 test_interval: 1 base_lr: 0.1 lr_policy: \"fixed\" max_iter: 1 snapshot_prefix: \"deep\""
    )
    let began = ContinuousClock.now
    let outcome = try Run(["train", "--quiet", "--solver", "solver.prototxt"], in: folder).outcome()
    print("limits: an iteration with test and snapshot takes \(ContinuousClock.now - began)")
    #expect(outcome.status == 0, "\(outcome.errors.prefix(999))")
    #expect(folder.exists("deep_iter_1.solverstate"))
  }

  // MARK: Nesting

  @Test(arguments: ["layer {", "layer { blobs {", "layer [", "x: [", "{", "<"])
  func deeplyNestedTextIsOneSentence(opening: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("net.prototxt", String(repeating: opening + " ", count: 10_000))
    for command in ["summary", "check"] {
      let outcome = try Run([command, "net.prototxt"], in: folder).outcome()
      #expect(outcome.status == 1, "\(outcome)")
      #expect(outcome.lines.count + outcome.complaints.count <= 4, "\(outcome)")
    }
  }

  /// Fields in fields: of `NetParameter.layer`, which no layer has, so that they are skipped unread; and
  /// groups, which protobuf-c does not take.
  @Test func deeplyNestedBinaryIsBounded() throws {
    let folder = try TemporaryFolder()
    var nested: [UInt8] = []
    for _ in 0..<10_000 {
      nested = [0xA2, 0x06] + Self.varint(nested.count) + nested
    }
    let groups = [UInt8](repeating: 0x0B, count: 10_000)
    for (name, bytes) in [("nested", nested), ("groups", groups)] {
      try folder.write("\(name).caffemodel", bytes)
      let outcome = try Run(["export", "\(name).caffemodel", "out.h5"], in: folder).outcome()
      #expect(
        outcome.status == 0 && name == "nested" || outcome.isOneLine(with: "\(name).caffemodel"),
        "\(outcome)")
    }
  }

  private static func varint(_ number: Int) -> [UInt8] {
    var (bytes, rest) = ([UInt8](), number)
    repeat {
      bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
      rest >>= 7
    } while rest > 0
    return bytes
  }

  // MARK: Files that name files

  /// A net or solver has no way to include another; what names itself is of the wrong kind.
  @Test(arguments: [
    ("net: \"solver.prototxt\"", "solver.prototxt:1:1: NetParameter has no field \"net\""),
    ("net: \".\"", ". is a folder, not a file"),
    ("net: \"loop\"", "loop: Too many levels of symbolic links"),
  ])
  func filesThatNameThemselvesAreRefused(text: String, sentence: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("solver.prototxt", text + " base_lr: 0.1 lr_policy: \"fixed\"")
    try FileManager.default.createSymbolicLink(
      atPath: folder("loop"), withDestinationPath: folder("loop"))
    let outcome = try Run(["train", "--solver", "solver.prototxt"], in: folder).outcome()
    #expect(outcome.status == 1 && outcome.isOneLine(with: sentence), "\(outcome)")
  }

  /// `learned_net` of a state: the file of that name wherever it is, else the one beside the state; what
  /// is no file does not count.
  struct LearnedNet: CustomTestStringConvertible, Sendable {
    let name: String
    /// Where the model is moved to.
    let place: String
    /// `nil` if the run goes on.
    let sentence: String?
    var testDescription: String { "\(name), weights at \(place)" }
  }

  static let learnedNets = [
    LearnedNet(
      name: "tiny_iter_6.caffemodel", place: "states/tiny_iter_6.caffemodel", sentence: nil),
    LearnedNet(
      name: "/no/such/tiny_iter_6.caffemodel", place: "states/tiny_iter_6.caffemodel", sentence: nil
    ),
    LearnedNet(
      name: "../no/tiny_iter_6.caffemodel", place: "states/tiny_iter_6.caffemodel", sentence: nil),
    LearnedNet(
      name: "states/../far/tiny_iter_6.caffemodel", place: "far/tiny_iter_6.caffemodel",
      sentence: nil),
    LearnedNet(name: "%/far/x", place: "far/x", sentence: nil),
    LearnedNet(
      name: "/no/x", place: "far/x",
      sentence: "the weights it names are neither at /no/x nor at states/x"),
    LearnedNet(
      name: "..", place: "far/x",
      sentence: "the weights it names are neither at .. nor at states/.."),
    LearnedNet(
      name: "/dev/zero", place: "far/x",
      sentence: "the weights it names are neither at /dev/zero nor at states/zero"),
    LearnedNet(
      name: "pipe", place: "far/x",
      sentence: "the weights it names are neither at pipe nor at states/pipe"),
    LearnedNet(name: "/etc/passwd", place: "far/x", sentence: "/etc/passwd"),
    LearnedNet(name: "states/s", place: "far/x", sentence: "solver state"),
  ]

  @Test(.timeLimit(.minutes(1)), arguments: learnedNets)
  func learnedNetIsLookedForWhereItIsDocumented(learned: LearnedNet) throws {
    let shop = try Workshop()
    #expect(try shop.run("train", "--solver", "solver.prototxt").status == 0)
    for folder in ["states", "far"] {
      try FileManager.default.createDirectory(
        atPath: shop.folder(folder), withIntermediateDirectories: false)
    }
    try FileManager.default.moveItem(
      atPath: shop.folder("tiny_iter_6.caffemodel"), toPath: shop.folder(learned.place))
    mkfifo(shop.folder("pipe"), 0o600)
    // The last value of a field that is given twice counts.
    let name = Array(learned.name.replacing("%", with: shop.folder.path).utf8)
    try shop.folder.write(
      "states/s",
      try shop.folder.read("tiny_iter_6.solverstate") + [0x12] + Self.varint(name.count) + name)
    let outcome = try shop.run(
      "train", "--solver", "solver.prototxt", "--snapshot", "states/s")
    if let sentence = learned.sentence {
      #expect(outcome.status == 1 && outcome.isOneLine(with: sentence), "\(outcome)")
    } else {
      #expect(outcome.status == 0 && outcome.log.contains("Optimization Done."), "\(outcome)")
    }
  }
}

extension Outcome {
  /// Whether standard error ends in one complaint, which says this.
  fileprivate func isOneLine(with text: some RegexComponent) -> Bool {
    complaints.count == 1 && complaints[0].contains(text)
      || complaints.isEmpty && lines.contains { $0.contains(text) }
  }
}
