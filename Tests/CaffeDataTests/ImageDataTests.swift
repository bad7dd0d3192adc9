import CaffeCore
import CaffeData
import CaffeErrors
import Foundation
import Testing

/// rgb.png, 2 rows of 3, as blue, green and red planes.
private let blue: [Float] = [0, 0, 255, 3, 60, 255]
private let green: [Float] = [0, 255, 0, 2, 50, 255]
private let red: [Float] = [255, 0, 0, 1, 40, 255]

@Suite struct ImageDataTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  func layer(
    _ list: String, _ fields: String = "", transform: String = "", seed: UInt64 = 1,
    report: @escaping (String) -> Void = { _ in }
  ) throws -> TestLayer {
    _ = try folder.write("list.txt", list.utf8)
    return try TestLayer(
      ImageDataLayer.kind,
      "transform_param { \(transform) } image_data_param { source: \"list.txt\" \(fields) }",
      seed: seed, folder: folder.path, report: report)
  }

  /// A list of `count` images, all rgb.png, labelled by their number.
  func numbered(_ count: Int) -> String {
    (0..<count).map { "\(fixture("rgb.png")) \($0)\n" }.joined()
  }

  @Test func givesPlanesOfBlueGreenAndRedAndBeginsAgain() throws {
    let layer = try layer(
      "\(fixture("rgb.png")) 4\n\n\(fixture("palette.png")) -2\r\n", "batch_size: 3",
      transform: "scale: 2 mean_value: 1")
    let once = (blue + green + red).map { ($0 - 1) * 2 }
    #expect(layer.layer.top.map(\.shape.dimensions) == [[3, 3, 2, 3], [3]])
    #expect(try layer.forward() == [once + once + once, [4, -2, 4]])
    #expect(try layer.forward()[1] == [-2, 4, -2])
  }

  @Test func rootFolderIsAPlainPrefix() throws {
    try FileManager.default.copyItem(atPath: fixture("gray.png"), toPath: folder("my gray.png"))
    let layer = try layer("gray.png 1", "root_folder: \"my \" is_color: false")
    #expect(try layer.forward() == [red, [1]])
  }

  @Test func eachBatchHasTheExtentsOfItsFirstImage() throws {
    let layer = try layer("\(fixture("rgb.png")) 0\n\(fixture("color.jpg")) 1\n")
    for shape in [[1, 3, 2, 3], [1, 3, 9, 17], [1, 3, 2, 3]] {
      _ = try layer.forward()
      #expect(layer.layer.top[0].shape.dimensions == shape)
    }
  }

  @Test func resizesBeforeItCrops() throws {
    let layer = try layer(
      numbered(1), "new_height: 4 new_width: 6", transform: "crop_size: 3")
    #expect(try layer.forward()[0].count == 27)
  }

  // MARK: Order

  @Test func shufflesAnewInEachEpoch() throws {
    let layer = try layer(numbered(20), "batch_size: 5 shuffle: true")
    let epochs = try (0..<3).map { _ in try layer.batches(4).flatMap { $0[1] } }
    for epoch in epochs { #expect(epoch.sorted() == (0..<20).map(Float.init)) }
    #expect(Set(epochs).count == 3)
  }

  @Test func skipsFewerThanRandSkipOfTheFirstImages() throws {
    let first = try (0..<40 as Range<UInt64>).map { seed in
      try layer(numbered(9), "rand_skip: 3", seed: seed).forward()[1][0]
    }
    #expect(Set(first) == [0, 1, 2])
    let labels = try layer(numbered(4), "batch_size: 8 rand_skip: 4", seed: 3).forward()[1]
    for (label, next) in zip(labels, labels.dropFirst()) {
      #expect(next == (label + 1).truncatingRemainder(dividingBy: 4))
    }
  }

  /// Wherever a run resumes, it gets the batches it would have got.
  @Test func batchesDependOnThePassAlone() throws {
    let fields = "batch_size: 3 shuffle: true rand_skip: 5 new_height: 6 new_width: 6"
    let transform = "crop_size: 3 mirror: true"
    let expected = try layer(numbered(7), fields, transform: transform).batches(8)
    #expect(Set(expected).count == 8)
    let other = try layer(numbered(7), fields, transform: transform)
    for pass in [5, 0, 7, 2] {
      try other.layer.seek(toPass: UInt64(pass))
      #expect(try other.forward() == expected[pass])
    }
    #expect(try layer(numbered(7), fields, transform: transform, seed: 2).batches(8) != expected)
  }

  // MARK: The list

  @Test(arguments: [
    ("7", 7), ("-3", -3), ("+2", 2), ("4.9", 4), ("x", 0), ("", 0), ("7\r", 7),
    ("99999999999999999999", Int32.max),
  ])
  func readsLabelsAsCDoes(text: String, label: Int32) throws {
    let list = try ImageList(folder.write("list.txt", "a b.png \(text)\n".utf8))
    #expect(list.entries.map(\.path) == ["a b.png"])
    #expect(list.entries.map(\.label) == [label])
    #expect(list.entries.map(\.line) == [1])
    #expect((list.firstOddLabel == nil) == ["7", "-3", "+2", "7\r"].contains(text))
  }

  @Test func tellsOfLabelsThatAreNoWholeNumbers() throws {
    let remarks = Remarks()
    _ = try layer(
      "\(fixture("rgb.png")) 1\n\(fixture("rgb.png")) 0.5\n", "mirror: true",
      report: remarks.add)
    #expect(
      remarks.all == [
        "image_data_param.mirror is ignored, as by Caffe; it belongs in transform_param",
        "\(folder("list.txt")): line 2: the label '0.5' is not a whole number; "
          + "only its leading digits count",
      ])
  }

  // MARK: Several labels

  @Test func readsSeveralLabelsAfterAPathWithSpaces() throws {
    try FileManager.default.copyItem(atPath: fixture("rgb.png"), toPath: folder("a b 1.png"))
    let layer = try layer(
      "a b 1.png 1 -2.5 3e2\na b 1.png 4 5 6\n", "batch_size: 2 label_dim: 3")
    #expect(layer.layer.top.map(\.shape.dimensions) == [[2, 3, 2, 3], [2, 3]])
    #expect(try layer.forward()[1] == [1, -2.5, 300, 4, 5, 6])
  }

  @Test(arguments: [
    ("a.png 1 2", "list.txt: line 1: a path, a space and 3 labels are wanted, got 'a.png 1 2'"),
    ("a.png 1 x 2", "list.txt: line 1: the label 'x' is not a number"),
    ("a.png 1 nan 2", "list.txt: line 1: the label 'nan' is not a number"),
  ])
  func tellsWhatIsWrongWithSeveralLabels(list: String, message: String) throws {
    expectError(message) { _ = try layer(list, "label_dim: 3") }
  }

  // MARK: Damaged images

  /// Items 0 and 2 of the first batch are copies of their neighbours, and told once each time.
  @Test func skipsAndCountsDamagedImages() throws {
    let (good, bad) = (fixture("rgb.png"), fixture("foreign.h5"))
    let remarks = Remarks()
    let layer = try layer(
      "\(bad) 0\n\(good) 1\n\(bad) 2\n\(good) 3\n", "batch_size: 4 skip_damaged: true",
      report: remarks.add)
    for pass in 1...2 {
      #expect(try layer.forward()[1] == [3, 1, 1, 3])
      #expect((layer.layer as? ImageBatchLayer)?.damagedCount == 2 * pass)
      #expect(remarks.all.count == 2 * pass)
    }
    #expect(
      remarks.all[1]
        == "\(folder("list.txt")): line 3: \(bad): the image is neither PNG, JPEG, BMP nor PNM; skipped, 2 so far"
    )
    expectError("list.txt: no image can be used") {
      _ = try self.layer("\(bad) 0\n", "skip_damaged: true")
    }
    let mostly = try self.layer(
      "\(good) 0\n\(bad) 1\n\(bad) 2\n", "batch_size: 1 skip_damaged: true")
    #expect(try mostly.forward()[1] == [0])
    expectError("all 1 records of a batch are damaged; the last: ") { _ = try mostly.forward() }
  }

  // MARK: Refusals

  @Test(arguments: [
    ("label_dim: 0", "label_dim must be in 1..65536, got 0"),
    ("batch_size: 0", "batch_size must be positive, got 0"),
    ("new_height: 4", "new_height and new_width must be set at the same time, got 4 and 0"),
    ("new_width: 4", "new_height and new_width must be set at the same time, got 0 and 4"),
    (
      "new_height: 4000000000 new_width: 4000000000",
      "new_height × new_width must be at most 268435456, got 4000000000×4000000000"
    ),
    ("rand_skip: 3", "rand_skip must be at most the number of images (2), got 3"),
  ])
  func refusesWhatCannotBe(fields: String, message: String) throws {
    expectError(message) { _ = try layer(numbered(2), fields) }
  }

  @Test(arguments: [
    ("", "list.txt: the list names no image"), ("\n \n", "list.txt: the list names no image"),
    ("a.png\t3", "list.txt: line 1: a path, a space and a label are wanted, got 'a.png\t3'"),
    ("none.png 3", "list.txt: line 1: File not found: "),
  ])
  func tellsWhatIsWrongWithTheList(list: String, message: String) throws {
    expectError(message) { _ = try layer(list) }
  }

  /// At run time, and again whenever asked.
  @Test func namesLineAndFileOfAnUnreadableImage() throws {
    let layer = try layer("\(fixture("rgb.png")) 0\n\n\(fixture("foreign.h5")) 1\n")
    _ = try layer.forward()
    for _ in 0..<2 {
      expectError(
        "\(folder("list.txt")): line 3: \(fixture("foreign.h5")): the image is neither PNG, JPEG, BMP nor PNM"
      ) { _ = try layer.forward() }
    }
  }

  @Test func imagesOfABatchMustHaveTheSameExtents() throws {
    let layer = try layer(
      "\(fixture("rgb.png")) 0\n\(fixture("color.jpg")) 1\n", "batch_size: 2")
    expectError("line 2: \(fixture("color.jpg")): the image becomes 3×9×17, but the first") {
      _ = try layer.forward()
    }
  }
}
