import CaffeData
import CaffeErrors
import Foundation
import Testing

@Suite struct WindowDataTests {
  let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  func window(_ left: Int32, _ top: Int32, _ right: Int32, _ bottom: Int32) -> WindowFile.Window {
    WindowFile.Window(
      image: 0, label: 1, overlap: 1, left: left, top: top, right: right, bottom: bottom)
  }

  /// rgb.png: 2 rows of 3. Two foreground windows (labels 5 and 6), one background, one between.
  static let example = """
    # 0
    rgb.png
    3 2 3
    4
    5 0.9 0 0 1 1
    6 0.5 1 0 2 1
    7 0.1 0 0 0 1
    8 0.4 0 0 2 1

    """

  func layer(
    _ file: String = example, _ fields: String = "batch_size: 4",
    transform: String = "crop_size: 2", seed: UInt64 = 1,
    report: @escaping (String) -> Void = { _ in }
  ) throws -> TestLayer {
    _ = try folder.write("windows.txt", file.utf8)
    let images = fixture("")
    return try TestLayer(
      WindowDataLayer.kind,
      """
      transform_param { \(transform) } window_data_param { source: "windows.txt"
        root_folder: "\(images)" bg_threshold: 0.3 \(fields) }
      """, seed: seed, folder: folder.path, report: report)
  }

  // MARK: Crops

  @Test func withoutContextTheWindowFillsTheCrop() throws {
    let crop = WindowCrop(size: 8, contextPad: 0, isSquare: false)
    let (rows, columns) = try crop.spans(of: window(1, 2, 3, 9), height: 10, width: 4)
    #expect(rows == WindowCrop.Span(source: 2..<10, count: 8))
    #expect(columns == WindowCrop.Span(source: 1..<4, count: 8))
  }

  /// Columns 10…19 about their centre 15, reach 5 · 16 / (16 − 2·3) = 8: 7…23, 17 columns for 16.
  /// Rows 0…9 about 5: −3…13; 3 rows of 17 are missing above and, of 12, 2 below.
  @Test func contextWidensTheWindow() throws {
    let crop = WindowCrop(size: 16, contextPad: 3, isSquare: false)
    let (rows, columns) = try crop.spans(of: window(10, 0, 19, 9), height: 12, width: 30)
    #expect(columns == WindowCrop.Span(source: 7..<24, count: 16))
    // 3 · 16/17 = 2.8, 12 · 16/17 = 11.3, 2 · 16/17 = 1.9
    #expect(rows == WindowCrop.Span(source: 0..<12, count: 11, before: 3, after: 2))
  }

  /// 2 columns by 6 rows become 6 by 6 about the centre (11, 13), ends included: 8…14, 10…16.
  @Test func squareIsAsLongAsTheLongerSide() throws {
    let crop = WindowCrop(size: 7, contextPad: 0, isSquare: true)
    let (rows, columns) = try crop.spans(of: window(10, 10, 11, 15), height: 20, width: 20)
    #expect(rows == WindowCrop.Span(source: 10..<17, count: 7))
    #expect(columns == WindowCrop.Span(source: 8..<15, count: 7))
  }

  @Test(arguments: [(0, false), (1, false), (0, true)])
  func refusesWindowsOutsideOfTheImage(contextPad: Int, isSquare: Bool) {
    let crop = WindowCrop(size: 8, contextPad: contextPad, isSquare: isSquare)
    expectError("the window 50 1 53 4 (x1 y1 x2 y2) lies outside of the image of 10 rows and 20") {
      _ = try crop.spans(of: window(50, 1, 53, 4), height: 10, width: 20)
    }
  }

  // MARK: Batches

  /// The windows as they are, 2×2 of blue, green, red; the background one is a column, repeated.
  static let five: [Float] = [0, 0, 3, 60, 0, 255, 2, 50, 255, 0, 1, 40]
  static let six: [Float] = [0, 255, 60, 255, 255, 0, 50, 255, 0, 0, 40, 255]
  static let none: [Float] = [0, 0, 3, 3, 0, 0, 2, 2, 255, 255, 1, 1]

  @Test func backgroundComesFirstAndHasLabelZero() throws {
    let layer = try layer(
      transform: "crop_size: 2 mean_value: 1", report: { Issue.record("\($0)") })
    #expect(layer.layer.top.map(\.shape.dimensions) == [[4, 3, 2, 2], [4]])
    var seen: Set<Float> = []
    for batch in try layer.batches(20) {
      // A quarter of 4 is foreground.
      #expect(batch[1][..<3] == [0, 0, 0])
      seen.insert(batch[1][3])
      let expected = batch[1].map { $0 == 5 ? Self.five : $0 == 6 ? Self.six : Self.none }
      #expect(batch[0] == expected.flatMap { $0 }.map { $0 - 1 })
    }
    #expect(seen == [5, 6])
  }

  /// Half of the items, whatever the phase; the mean is not mirrored.
  @Test func mirrors() throws {
    let fields = "batch_size: 1 fg_fraction: 1 fg_threshold: 0.8 scale: 0.5 cache_images: true"
    let layer = try layer(Self.example, fields, transform: "crop_size: 2 mirror: true")
    let mirrored: [Float] = [0, 0, 60, 3, 255, 0, 50, 2, 0, 255, 40, 1]
    let seen = Set(try layer.batches(30).map { $0[0] })
    #expect(seen == [Self.five.map { $0 / 2 }, mirrored.map { $0 / 2 }])
  }

  /// A window of 2×2 reaches 1 · 4 / (4 − 2) = 2 about its centre, 5 pixels for a crop of 4.
  /// Rows −1…3 about 1: 1 above the image is 0.8 of the crop, 2 inside are 1.6, 2 below 1.6.
  /// Columns −1…3 (label 5): 0.8, 2.4, 0.8; columns 0…4 about 2 (label 6): 0, 2.4, 1.6.
  @Test func whatIsOutsideOfTheImageIsZero() throws {
    let layer = try layer(
      Self.example, "batch_size: 1 fg_fraction: 1 context_pad: 1",
      transform: "crop_size: 4 mean_value: 1000 mirror: true")
    var seen: Set<[Int]> = []
    for batch in try layer.batches(30) {
      let pixels = batch[0].indices.filter { batch[0][$0] != 0 }
      let columns = Set(pixels.map { $0 % 4 }).sorted()
      #expect(batch[1] == [5] ? columns == [1, 2] : columns == [0, 1] || columns == [2, 3])
      #expect(Set(pixels.map { $0 / 4 % 4 }) == [1, 2])
      #expect(pixels.count == 3 * 2 * 2)
      seen.insert(columns)
    }
    #expect(seen.count == 3)
  }

  @Test func batchesDependOnThePassAlone() throws {
    let fields = "batch_size: 5 fg_fraction: 0.6"
    let transform = "crop_size: 3 mirror: true"
    let expected = try layer(Self.example, fields, transform: transform).batches(8)
    #expect(Set(expected).count > 4)
    let other = try layer(Self.example, fields, transform: transform)
    for pass in [5, 0, 7, 2] {
      try other.layer.seek(toPass: UInt64(pass))
      #expect(try other.forward() == expected[pass])
    }
    #expect(
      try layer(Self.example, fields, transform: transform, seed: 2).batches(8) != expected)
  }

  @Test func tellsOfFieldsThatDoNotCount() throws {
    let remarks = Remarks()
    _ = try layer(
      Self.example, "batch_size: 4 crop_size: 3", transform: "crop_size: 2 scale: 2",
      report: remarks.add)
    #expect(
      remarks.all == [
        "window_data_param.crop_size is ignored, as by Caffe; it belongs in transform_param",
        "transform_param.scale is ignored, as by Caffe; WindowData has window_data_param.scale",
      ])
  }

  // MARK: Refusals

  @Test(arguments: [
    ("batch_size: 0", "crop_size: 2", "batch_size must be positive, got 0"),
    ("batch_size: 4", "", "WindowData needs a crop_size above 0 in transform_param"),
    (
      "batch_size: 4 context_pad: 2", "crop_size: 4",
      "context_pad must be below half of crop_size (4), got 2"
    ),
    (
      "batch_size: 4 crop_mode: \"round\"", "crop_size: 2",
      "crop_mode must be \"warp\" or \"square\", got \"round\""
    ),
    ("batch_size: 4 fg_fraction: 1.5", "crop_size: 2", "fg_fraction must be in 0...1, got 1.5"),
    (
      "batch_size: 4", "crop_size: 2 mean_value: 1 mean_value: 2",
      "mean_value must be given once or once per channel (3), got 2"
    ),
    (
      "batch_size: 8 fg_threshold: 0.95", "crop_size: 2",
      "no window overlaps by fg_threshold (0.95) or more, but 2 of each batch must"
    ),
  ])
  func refusesWhatCannotBe(fields: String, transform: String, message: String) throws {
    expectError(message) { _ = try layer(Self.example, fields, transform: transform) }
  }

  @Test func refusesABatchWithoutBackground() throws {
    let file = Self.example.replacingOccurrences(of: "7 0.1", with: "7 0.35")
    expectError("no window overlaps by less than bg_threshold (0.3), but 3 of each batch must") {
      _ = try layer(file)
    }
  }

  @Test(arguments: [
    ("# 0", "", "line 2: '#' must begin an image, got 'rgb.png'"),
    ("# 0", "# 1", "line 1: images are numbered from 0 on: 0 comes next, got 1"),
    ("3 2 3", "1 2 3", "line 3: images are read in colour: their channels must be 3, got 1"),
    ("4\n5", "-4\n5", "line 4: the number of windows must not be negative, got -4"),
    ("4\n5", "3\n5", "line 8: '#' must begin an image, got '8'; does its window count fit?"),
    ("4\n5", "5\n5", "line 9: the file ends before a window's label"),
    ("0.5 1 0", "half 1 0", "line 6: a window's overlap must be a number, got 'half'"),
    ("0.5 1 0", "0.5 1.5 0", "line 6: x1 must be a whole number, got '1.5'"),
    ("0.5 1 0", "0.5 9 0", "line 6: a window needs x1 ≤ x2 and y1 ≤ y2, got 9 0 2 1"),
    ("6 0.5", "0 0.5", "image 0: a foreground window's label must be positive, got 0"),
  ])
  func tellsWhatIsWrongWithTheFile(old: String, new: String, message: String) throws {
    let file = Self.example.replacingOccurrences(of: old, with: new)
    #expect(file != Self.example)
    expectError("\(folder("windows.txt")): \(message)") { _ = try layer(file) }
  }

  @Test func refusesAFileWithoutImages() {
    expectError("the window file names no image") { _ = try layer("\n") }
  }

  @Test func namesImageAndFile() throws {
    let file = Self.example.replacingOccurrences(of: "rgb.png", with: "none.png")
    expectError(
      "\(folder("windows.txt")): image 0: File not found: \(fixture("none.png"))"
    ) { _ = try layer(file).forward() }
    let large = Self.example.replacingOccurrences(of: " 1\n", with: " 2\n")
    expectError("image 0: \(fixture("rgb.png")): the window") { _ = try layer(large).forward() }
  }
}
