import CaffeData
import CaffeErrors
import CaffeSchema
import Foundation
import Testing

@Suite struct AugmentationTests {
  /// A picture of 3 channels and 8×10 pixels without two equal neighbours.
  private static let extents = DataTransformer.Extents(channels: 3, height: 8, width: 10)

  private func record(_ pixels: [UInt8]? = nil) throws -> DatumRecord {
    var datum = Datum()
    datum.channels = 3
    datum.height = 8
    datum.width = 10
    datum.data = pixels ?? (0..<240).map { UInt8(($0 * 37) % 256) }
    return try datum.binary().withUnsafeBytes { try DatumRecord(binary: $0) }
  }

  /// - Parameter text: the fields of `transform_param`.
  private func transformed(
    _ text: String, pixels: [UInt8]? = nil, item: Int = 0, isTraining: Bool = true
  ) throws -> [Float] {
    let layer = try LayerParameter(text: "transform_param { \(text) }", file: "test")
    let transformer = try DataTransformer(
      TransformSettings(layer.transformParam), isTraining: isTraining)
    let count = try transformer.outputExtents(of: Self.extents).count
    var output = [Float](repeating: .nan, count: count)
    try output.withUnsafeMutableBufferPointer {
      try transformer.transform(
        record(pixels), TransformDraw(seed: 3, pass: 1, item: item), into: $0)
    }
    return output
  }

  private let uniform = [UInt8](repeating: 100, count: 240)

  static let all = [
    "resized_crop: 0.2 crop_size: 5", "rotation: 30", "brightness: 0.3", "contrast: 0.4",
    "saturation: 0.5", "cutout: 3", "resized_crop: 0.5 crop_h: 4 crop_w: 6 rotation: 10 cutout: 2",
  ]

  @Test(arguments: all)
  func dependsOnTheDrawAlone(fields: String) throws {
    let items = try (0..<6).map { try transformed(fields, item: $0) }
    #expect(Set(items).count == 6)
    #expect(try (0..<6).map { try transformed(fields, item: $0) } == items)
    #expect(items.joined().allSatisfy { (0...255).contains($0) })
  }

  @Test(arguments: all)
  func leavesTestingAlone(fields: String) throws {
    let crops = ["crop_size: 5", "crop_h: 4 crop_w: 6"].filter(fields.contains)
    let plain = crops.first ?? ""
    #expect(try transformed(fields, isTraining: false) == transformed(plain, isTraining: false))
  }

  @Test func offChangesNothing() throws {
    let off = "resized_crop: 1 rotation: 0 brightness: 0 contrast: 0 saturation: 0 cutout: 0"
    #expect(try transformed(off) == transformed(""))
  }

  // MARK: Crops

  @Test func cropsNeedNotBeSquare() throws {
    let pixels = try transformed("")
    let crop = try transformed("crop_h: 2 crop_w: 6", isTraining: false)
    #expect(crop.count == 3 * 2 * 6)
    // Rows 3 and 4, columns 2 to 7.
    #expect(crop.prefix(6).elementsEqual(pixels[32..<38]))
    #expect(crop[6..<12].elementsEqual(pixels[42..<48]))
  }

  /// Each value lies between those of the picture; of one colour nothing else can come.
  @Test func aScaledCropMayBeLargerThanThePicture() throws {
    let fields = "resized_crop: 0.3 crop_size: 20"
    for item in 0..<20 {
      #expect(try transformed(fields, pixels: uniform, item: item).allSatisfy { $0 == 100 })
    }
    #expect(try transformed(fields).count == 3 * 20 * 20)
    expectError("crop_size 20 is larger than the data (8×10)") {
      _ = try transformed(fields, isTraining: false)
    }
  }

  /// A picture whose value is its column: a part of a quarter to all of it spans 3 to 10 columns.
  @Test func scaledCropsTakeThePromisedShare() throws {
    let columns = (0..<240).map { UInt8($0 % 10 * 20) }
    for item in 0..<200 {
      let line = try transformed("resized_crop: 0.25 crop_size: 4", pixels: columns, item: item)
        .prefix(4)
      let steps = zip(line, line.dropFirst()).map { ($1 - $0) / 20 * 4 }
      // From half of the width less the aspect's root (√3/2) to all of it; edges may be flatter.
      #expect(try #require(steps.max()) > 0.99 * 10 * 0.5 * 0.866, "\(line)")
      #expect(try #require(steps.max()) <= 10.001, "\(line)")
    }
  }

  // MARK: Turns

  @Test func aTurnKeepsTheMiddle() throws {
    var pixels = [UInt8](repeating: 0, count: 240)
    for (row, column) in [(3, 4), (3, 5), (4, 4), (4, 5)] { pixels[row * 10 + column] = 200 }
    for item in 0..<20 {
      let turned = try transformed("rotation: 45", pixels: pixels, item: item)
      let middle = [34, 35, 44, 45].map { turned[$0] }
      #expect(middle.allSatisfy { $0 > 100 })
      #expect(try #require(middle.max()) - #require(middle.min()) < 0.01, "\(middle)")
      #expect(turned[0] == 0)
    }
    #expect(try transformed("rotation: 90", pixels: uniform).allSatisfy { abs($0 - 100) < 0.01 })
  }

  // MARK: Colours

  @Test func brightnessMultiplies() throws {
    for item in 0..<20 {
      let bright = try transformed("brightness: 0.5", pixels: uniform, item: item)
      #expect(Set(bright).count == 1 && (50...150).contains(bright[0]))
    }
  }

  @Test func contrastKeepsTheMean() throws {
    let pixels = (0..<240).map { UInt8($0 % 2 == 0 ? 90 : 110) }
    for item in 0..<20 {
      let changed = try transformed("contrast: 0.5", pixels: pixels, item: item)
      #expect(abs(changed[0] + changed[1] - 200) < 0.01)
      #expect((5...15).contains(changed[1] - 100))
    }
  }

  /// Blue 50, green 100, red 150: gray is 0.114·50 + 0.587·100 + 0.299·150 = 109.25.
  @Test func saturationKeepsGray() throws {
    let pixels = (0..<240).map { UInt8(50 + $0 / 80 * 50) }
    for item in 0..<20 {
      let changed = try transformed("saturation: 0.5", pixels: pixels, item: item)
      let gray = 0.114 * changed[0] + 0.587 * changed[80] + 0.299 * changed[160]
      #expect(abs(gray - 109.25) < 0.01)
      #expect((0.499...1.501).contains((changed[0] - 109.25) / (50 - 109.25)))
    }
  }

  // MARK: Cutout

  /// After mean and scale, so that the square is the mean; at an edge it may hang over.
  @Test func cutsASquareOut() throws {
    for item in 0..<50 {
      let cut = try transformed("cutout: 4 mean_value: 1 scale: 2", pixels: uniform, item: item)
      #expect(Set(cut) == [0, 198])
      let zeros = cut.indices.filter { cut[$0] == 0 }
      #expect(zeros.count % 3 == 0 && (3 * 4...3 * 16).contains(zeros.count), "\(zeros.count)")
      #expect(
        zeros.prefix(zeros.count / 3).map { $0 + 80 }.elementsEqual(
          zeros.dropFirst(zeros.count / 3).prefix(zeros.count / 3)))
    }
  }

  // MARK: Refusals

  @Test(arguments: [
    ("resized_crop: 0 crop_size: 2", "resized_crop must be above 0 and at most 1, got 0.0"),
    ("resized_crop: 0.5", "resized_crop needs crop_size, or crop_h and crop_w"),
    ("rotation: 200", "rotation must be in 0...180 degrees, got 200.0"),
    ("brightness: -0.1", "brightness must be in 0...1, got -0.1"),
    ("contrast: nan", "contrast must be in 0...1, got nan"),
    ("saturation: 2", "saturation must be in 0...1, got 2.0"),
    ("crop_h: 3", "crop_h and crop_w must be set at the same time, got 3 and 0"),
    ("crop_size: 2 crop_h: 3 crop_w: 3", "crop_size and crop_h, crop_w exclude each other"),
    ("crop_h: 9 crop_w: 3", "crop_h × crop_w (9×3) is larger than the data (8×10)"),
  ])
  func refusesWhatCannotBe(fields: String, message: String) throws {
    expectError(message) { _ = try transformed(fields) }
  }
}
