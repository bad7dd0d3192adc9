import CaffeData
import CaffeTestSupport
import Foundation
import Testing

/// The subcommands that look at data and nets.
@Suite struct InspectionCommandTests {
  func object(_ line: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  // MARK: dataset

  @Test func datasetInfoTellsWhatADatabaseHolds() throws {
    let shop = try Workshop()
    for source in ["data", "images.idx"] {
      let outcome = try shop.run("dataset", "info", source)
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
      #expect(outcome.lines[0] == "\(source): 40 records")
      #expect(outcome.lines.contains("  1×6×6: 40") && outcome.lines.contains("  2: 13 (32.5 %)"))
    }
    let report = try object(shop.run("dataset", "info", "data", "--json").output)
    #expect(report["records"] as? Int == 40 && report["damaged"] as? Int == 0)
    #expect(report["labels"] as? [String: Int] == ["0": 14, "1": 13, "2": 13])
    #expect(report["shapes"] as? [String: Int] == ["1x6x6": 40])
    #expect((report["channel_mean"] as? [Double])?.count == 1)
  }

  @Test func datasetInfoNamesDamagedRecords() throws {
    let folder = try TemporaryFolder()
    try LMDBWriter.create(folder("db")) { try $0.put(key: "a", value: [255]) }
    let outcome = try Run(["dataset", "info", "db"], in: folder).outcome()
    #expect(outcome.status == 1, "\(outcome)")
    #expect(
      outcome.complaints == [
        "caffe-swift: db: 1 of 1 records are damaged; the first: record 'a': not a Datum, "
          + "or a truncated one (1 bytes)"
      ])
  }

  @Test(arguments: [
    (["net.prototxt", "--phase", "TEST"], 5), (["net.prototxt"], 5), (["data"], 6),
  ])
  func datasetShowDrawsWhatTheNetSees(arguments: [String], side: Int) throws {
    let shop = try Workshop()
    let outcome = try shop.run(
      ["dataset", "show"] + arguments + ["s.png", "--count", "10", "--columns", "4"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    #expect(outcome.lines == ["0 1 2 0", "1 2 0 1", "2 0"])
    let sheet = try ImageDecoder.decode(file: shop.folder("s.png"), .color)
    #expect(sheet.width == 4 * (side + 2) + 2 && sheet.height == 3 * (side + 2) + 2)
  }

  @Test func datasetShowTellsWhatIsWrong() throws {
    let shop = try Workshop()
    let cases: [([String], String)] = [
      (["none", "s.png"], "none: No such file or directory"),
      (["none.prototxt", "s.png"], "File not found: none.prototxt"),
      (["net.prototxt", "s.png", "--layer", "other"], "there is no data layer in this phase"),
      (["data", "no/s.png"], "no/s.png: No such file or directory"),
    ]
    for (arguments, words) in cases {
      let outcome = try shop.run(["dataset", "show"] + arguments)
      #expect(outcome.status == 1 && outcome.complaints.count == 1, "\(outcome)")
      #expect(outcome.errors.contains(words), "\(outcome)")
    }
  }

  // MARK: Nets

  /// A trained net, its deploy form and three images.
  func trained() throws -> Workshop {
    let shop = try Workshop(solver: "max_iter: 1 snapshot_prefix: \"tiny\"")
    #expect(try shop.run("train", "--solver", "solver.prototxt").status == 0)
    let layers = Workshop.net.split(separator: "\n")
      .filter { $0.contains("\"conv\"") || $0.contains("name: \"ip\"") }
      .filter { !$0.contains("Dropout") }
    try shop.folder.write(
      "deploy.prototxt",
      """
      layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 1 dim: 5 dim: 5 } } }
      \(layers.joined(separator: "\n"))
      layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }

      """)
    try shop.folder.write("names.txt", "cat\ndog\ncow\n")
    for index in 0..<3 {
      let pixels = (0..<30).map { UInt8($0 * 8 / (index + 1)) }
      let image = Image(height: 5, width: 6, channels: 1, pixels: pixels)
      try shop.folder.write("\(index).png", ImageEncoder.encode(image, .png))
    }
    return shop
  }

  private let net = ["--model", "deploy.prototxt", "--weights", "tiny_iter_1.caffemodel"]

  @Test func classifyGivesTheSameInAnyBatches() throws {
    let shop = try trained()
    let images = ["0.png", "1.png", "2.png"]
    let plain = try shop.run(
      ["classify"] + net + ["--labels", "names.txt", "--mean", "100", "--top_k", "2"] + images)
    #expect(plain.status == 0 && plain.complaints.isEmpty, "\(plain)")
    #expect(plain.lines.count == 9)
    #expect(plain.lines[3] == "---------- Prediction for 1.png ----------")
    #expect(plain.lines[4].wholeMatch(of: /[01]\.\d{4} - "(cat|dog|cow)"/) != nil, "\(plain)")
    var byBatch: [[Double]] = []
    for batch in ["1", "2", "3"] {
      let outcome = try shop.run(
        ["classify"] + net + ["--json", "--scale=0.01", "--batch", batch] + images)
      #expect(outcome.lines.count == 3, "\(outcome)")
      byBatch.append(try outcome.lines.flatMap(scores))
    }
    for scores in byBatch {
      #expect(scores.count == 9)
      // An engine may sum in another order for another batch.
      #expect(zip(scores, byBatch[0]).allSatisfy { abs($0 - $1) < 1e-5 }, "\(byBatch)")
      for image in 0..<3 { #expect(abs(scores[3 * image..<3 * image + 3].reduce(0, +) - 1) < 1e-5) }
      #expect(abs(scores[0] - scores[3]) > 1e-4, "the images score alike")
    }
  }

  /// The scores in a line of JSON, by class.
  private func scores(_ line: String) throws -> [Double] {
    let predictions = try #require(object(line)["predictions"] as? [[String: Any]])
    return try predictions.sorted { $0["class"] as? Int ?? 0 < $1["class"] as? Int ?? 0 }
      .map { try #require($0["score"] as? Double) }
  }

  @Test func classifyTellsWhatIsWrong() throws {
    let shop = try trained()
    try shop.folder.write("two.txt", "cat\ndog\n")
    let cases: [([String], String)] = [
      (["none.png"], "File not found: none.png"),
      (
        ["--labels", "two.txt", "0.png"],
        "two.txt: there are 2 names of classes, but the net scores 3"
      ),
      (["--mean", "1,2", "0.png"], "mean_value must be given once or once per channel (1), got 2"),
      (["--mean", "none.binaryproto", "0.png"], "File not found: none.binaryproto"),
    ]
    for (arguments, words) in cases {
      let outcome = try shop.run(["classify"] + net + arguments)
      #expect(outcome.status == 1 && outcome.complaints.count == 1, "\(outcome)")
      #expect(outcome.errors.contains(words), "\(outcome)")
    }
    #expect(try shop.run(["classify"] + net).status == 64)
    #expect(try shop.run(["classify"] + net + ["--top-k", "0", "0.png"]).status == 64)
  }

  @Test(arguments: ["lmdb", "leveldb", "hdf5"])
  func extractFeaturesWritesRowsOfBlobs(format: String) throws {
    let shop = try trained()
    let outcome = try shop.run(
      "extract_features", "tiny_iter_1.caffemodel", "net.prototxt", "conv,ip", "a,b", "3", format,
      "CPU", "0")
    #expect(outcome.status == 0 && outcome.complaints.isEmpty, "\(outcome)")
    #expect(outcome.log.last == "Successfully extracted the features!")
    #expect(
      outcome.log.contains("Extracted features of 24 query images for feature blob ip"))
    if format == "hdf5" {
      #expect(try HDF5File(reading: shop.folder("b")).read("ip", as: Float.self).shape == [24, 3])
    } else {
      let summary = try DatasetSummary(of: DatabaseKind.open(shop.folder("a")))
      #expect(summary.shapes == [.init(channels: 4, height: 3, width: 3): 24])
    }
    let again = try shop.run(
      "extract-features", "tiny_iter_1.caffemodel", "net.prototxt", "conv", "a", "1", format)
    #expect(again.errors.contains("a: this exists already"), "\(again)")
    let typo = try shop.run(
      "extract-features", "tiny_iter_1.caffemodel", "net.prototxt", "cnv", "c", "1", format)
    #expect(typo.errors.contains("the net has no blob 'cnv'; did you mean 'conv'?"), "\(typo)")
    #expect(!shop.folder.exists("c"))
  }

  @Test(arguments: [
    ["a", "b", "c,d", "e", "1", "lmdb"], ["a", "b", "c", "d", "0", "lmdb"],
    ["a", "b", "c", "d", "1", "csv"], ["a", "b"],
  ])
  func wrongUseOfExtractFeaturesExitsWith64(arguments: [String]) throws {
    #expect(try Run(["extract-features"] + arguments, in: TemporaryFolder()).outcome().status == 64)
  }
}
