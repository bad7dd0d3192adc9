import CaffeErrors
import CaffeSchemaC

/// A ``Datum`` as plain stored properties: what a database gives for each training record.
///
/// Decoding one costs a fraction of a microsecond, for it does not go through a ``FieldStore``.
public struct DatumRecord: Sendable, Equatable {
  public var channels: Int
  public var height: Int
  public var width: Int
  /// Pixels `[channels, height, width]`, or an image file if `encoded`.
  public var data: [UInt8]
  public var label: Int
  /// Values in place of `data`, of the same layout.
  public var floatData: [Float]
  /// Whether `data` is a JPEG or PNG file.
  public var encoded: Bool

  /// Reads one record.
  ///
  /// - Throws: CaffeError if the bytes are no Datum, or a truncated one.
  public init(binary bytes: UnsafeRawBufferPointer) throws {
    let start = bytes.bindMemory(to: UInt8.self).baseAddress
    guard let unpacked = caffe__datum__unpack(nil, bytes.count, start) else {
      throw CaffeError("not a Datum, or a truncated one (\(bytes.count) bytes)")
    }
    defer { caffe__datum__free_unpacked(unpacked, nil) }
    let datum = unpacked.pointee
    channels = Int(datum.channels)
    height = Int(datum.height)
    width = Int(datum.width)
    data = Array(UnsafeBufferPointer(start: datum.data.data, count: datum.data.len))
    label = Int(datum.label)
    floatData = Array(UnsafeBufferPointer(start: datum.float_data, count: datum.n_float_data))
    encoded = datum.encoded != 0
  }
}
