import CaffeErrors
import CaffeSchema

extension DatumRecord {
  /// Whether the values are floats: `float_data` counts only if `data` is empty.
  var holdsFloats: Bool { data.isEmpty && !floatData.isEmpty }

  /// The extents of an unencoded record, which its values must fill.
  func checkedExtents() throws -> DataTransformer.Extents {
    let extents = DataTransformer.Extents(channels: channels, height: height, width: width)
    guard channels > 0, height > 0, width > 0 else {
      throw CaffeError("the Datum has no pixels: its extents are \(extents)")
    }
    let count = holdsFloats ? floatData.count : data.count
    // Each extent is below 2³¹, so only the second product can overflow.
    let (wanted, overflow) = (height * width).multipliedReportingOverflow(by: channels)
    guard !overflow, wanted == count else {
      throw CaffeError("the Datum has \(count) values, but its extents are \(extents)")
    }
    return extents
  }

  /// The picture in an encoded record.
  func decoded(_ colors: ImageDecoder.Colors) throws -> Image {
    guard !holdsFloats else {
      throw CaffeError("the Datum is marked as encoded, but holds float_data")
    }
    return try data.withUnsafeBytes { try ImageDecoder.decode($0, colors) }
  }
}
