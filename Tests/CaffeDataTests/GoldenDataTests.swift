import CaffeData
import CaffeErrors
import CaffeSchema
import Foundation
import Testing

/// What BVLC Caffe 1.0 (commit 9b89154, CPU, OpenCV 4.6) hands to a net, made again from the same
/// files, item by item.
@Suite struct GoldenDataTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let layer: LayerParameter
    var testDescription: String { name }

    /// Paths in the prototxts are relative to the folder of the goldens.
    func transformer() throws -> DataTransformer {
      var parameter = layer.transformParam
      if parameter.hasMeanFile { parameter.meanFile = golden("data/" + parameter.meanFile) }
      return try DataTransformer(TransformSettings(parameter), isTraining: false)
    }

    static let all: [Case] = {
      guard let file = try? HDF5File(reading: golden("data/expected.h5")),
        let names = try? file.children(of: "")
      else { return [] }
      return names.compactMap { name in
        guard let text = try? file.stringAttribute("prototxt", of: name),
          let layer = try? NetParameter(text: text, file: name).layer.first
        else { return nil }
        return Case(name: name, layer: layer)
      }
    }()
    static let databases = all.filter {
      $0.layer.type == "Data" && $0.layer.dataParam.backend == .lmdb
    }
    static let images = all.filter { $0.layer.type == "ImageData" }
  }

  @Test func thereAreCases() {
    #expect(Case.databases.count >= 7)
    #expect(Case.images.count >= 3)
  }

  /// PNG and raw pixels: not one bit differs.
  @Test(arguments: Case.databases)
  func database(_ c: Case) throws {
    let database = try LMDBDatabase(golden("data/" + c.layer.dataParam.source))
    let cursor = try database.makeCursor()
    let transformer = try c.transformer()
    try compare(c, tolerance: 0) { index in
      if index % database.count == 0 { try cursor.seek(to: 0) }
      let item = try cursor.next { record in
        let datum = try DatumRecord(binary: record.value)
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
    let parameter = c.layer.imageDataParam
    let colors: ImageDecoder.Colors = parameter.isColor ? .color : .gray
    try compare(c, tolerance: c.layer.transformParam.scale) { index in
      let entry = list[index % list.count]
      let image = try ImageDecoder.decode(file: golden("data/" + entry[0]), colors)
        .resized(height: parameter.newHeight, width: parameter.newWidth)
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
