import CaffeData
import CaffeErrors
import Foundation
import Testing

/// What BVLC Caffe 1.0 (commit 9b89154, CPU, OpenCV 4.6) hands to a net, made again from the same
/// files, item by item.
@Suite struct GoldenDataTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let words: [String: [String]]
    var testDescription: String { name }

    func number(_ field: String) -> Float? { words[field].flatMap { Float($0[0]) } }
    func isSet(_ field: String) -> Bool { words[field] == ["true"] }
    func text(_ field: String) -> String? { words[field]?[0] }

    func transformer() throws -> DataTransformer {
      let settings = TransformSettings(
        scale: number("scale") ?? 1, cropSize: Int(number("crop_size") ?? 0),
        meanValues: (words["mean_value"] ?? []).compactMap(Float.init),
        mean: try text("mean_file").map {
          try TransformSettings.Mean(file: golden("data/" + $0))
        },
        forceColor: isSet("force_color"), forceGray: isSet("force_gray"))
      return try DataTransformer(settings, isTraining: false)
    }

    /// Every `field: value` of the prototxt; enough for these one-layer files.
    init(_ name: String, prototxt: String) {
      var words: [String: [String]] = [:]
      for match in prototxt.matches(of: /(\w+):\s*"?([^"\s{}]+)"?/) {
        words[String(match.1), default: []].append(String(match.2))
      }
      self.name = name
      self.words = words
    }

    static let all: [Case] = {
      guard let file = try? HDF5File(reading: golden("data/expected.h5")),
        let names = try? file.children(of: "")
      else { return [] }
      return names.compactMap { name in
        (try? file.stringAttribute("prototxt", of: name)).map { Case(name, prototxt: $0) }
      }
    }()
    static let databases = all.filter { $0.text("backend") == "LMDB" }
    static let images = all.filter { $0.text("type") == "ImageData" }
  }

  @Test func thereAreCases() {
    #expect(Case.databases.count >= 7)
    #expect(Case.images.count >= 3)
  }

  /// PNG and raw pixels: not one bit differs.
  @Test(arguments: Case.databases)
  func database(_ c: Case) throws {
    let path = golden("data/" + (try #require(c.text("source"))))
    let database = try LMDBDatabase(path)
    let cursor = try database.makeCursor()
    let transformer = try c.transformer()
    try compare(c, tolerance: 0) { index in
      if index % database.count == 0 { try cursor.seek(to: 0) }
      let item = try cursor.next { record in
        let datum = try Datum(record.value)
        let count = try transformer.outputExtents(of: transformer.extents(of: datum)).count
        var output = [Float](repeating: .nan, count: count)
        try output.withUnsafeMutableBufferPointer {
          try transformer.transform(datum, TransformDraw(seed: 0, pass: 0, item: index), into: $0)
        }
        return (output, Float(datum.label))
      }
      return try #require(item)
    }
  }

  /// JPEG and bilinear scaling may differ by one grey level.
  @Test(arguments: Case.images)
  func image(_ c: Case) throws {
    let list = try String(contentsOfFile: golden("data/list.txt"), encoding: .utf8)
      .split(separator: "\n").map { $0.split(separator: " ") }
    let transformer = try c.transformer()
    let colors: ImageDecoder.Colors = c.text("is_color") == "false" ? .gray : .color
    try compare(c, tolerance: c.number("scale") ?? 1) { index in
      let entry = list[index % list.count]
      let image = try ImageDecoder.decode(file: golden("data/" + entry[0]), colors)
        .resized(height: Int(c.number("new_height") ?? 0), width: Int(c.number("new_width") ?? 0))
      let count = try transformer.outputExtents(of: DataTransformer.Extents(image)).count
      var output = [Float](repeating: .nan, count: count)
      try output.withUnsafeMutableBufferPointer {
        try transformer.transform(image, TransformDraw(seed: 0, pass: 0, item: index), into: $0)
      }
      return (output, try #require(Float(entry[1])))
    }
  }

  /// Compares all batches of the case with what `item` makes.
  func compare(
    _ c: Case, tolerance: Float, _ item: (Int) throws -> (data: [Float], label: Float)
  ) throws {
    let file = try HDF5File(reading: golden("data/expected.h5"))
    var compared = 0
    var index = 0
    for batch in try file.children(of: c.name + "/data") {
      let data = try file.read("\(c.name)/data/\(batch)", as: Float.self)
      let labels = try file.read("\(c.name)/label/\(batch)", as: Float.self).values
      for number in 0..<data.shape[0] {
        let (values, label) = try item(index)
        #expect(label == labels[number])
        let size = data.values.count / data.shape[0]
        #expect(values.count == size)
        let expected = data.values[number * size..<(number + 1) * size]
        let worst = zip(values, expected).map { abs($0 - $1) }.max { !($0 >= $1) } ?? .nan
        #expect(worst <= tolerance, "item \(index)")
        compared += values.count
        index += 1
      }
    }
    #expect(compared > 1000)
  }
}
