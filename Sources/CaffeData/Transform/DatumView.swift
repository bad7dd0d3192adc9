import CaffeErrors

/// A record of a database, a `Datum`, read where it lies: its pixels are not copied.
///
/// Wire format: channels = 1, height = 2, width = 3, label = 5 (varint), data = 4 (bytes, planar
/// channel × height × width), float_data = 6 (floats, packed or not), encoded = 7 (bool).
///
/// Source: BVLC Caffe, `caffe.proto`; the Protocol Buffers encoding.
package struct DatumView {
  package enum Values {
    /// Planar bytes, or an encoded image.
    case bytes(UnsafeRawBufferPointer)
    case floats([Float])
  }

  package private(set) var channels = 0
  package private(set) var height = 0
  package private(set) var width = 0
  package private(set) var label: Int32 = 0
  /// Whether the bytes are a PNG or JPEG file, which then knows its own extents.
  package private(set) var isEncoded = false
  /// `float_data` counts only if `data` is empty.
  package private(set) var values = Values.bytes(UnsafeRawBufferPointer(start: nil, count: 0))

  /// Reads a record; valid as long as its bytes are. Checks that unencoded values fill the extents.
  package init(_ record: UnsafeRawBufferPointer) throws {
    var wire = WireReader(record)
    var floats: [Float] = []
    var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    do {
      while let field = try wire.nextField() {
        switch field {
        case (1, .varint): channels = Int(Int32(truncatingIfNeeded: try wire.varint()))
        case (2, .varint): height = Int(Int32(truncatingIfNeeded: try wire.varint()))
        case (3, .varint): width = Int(Int32(truncatingIfNeeded: try wire.varint()))
        case (4, .bytes): bytes = try wire.bytes()
        case (5, .varint): label = Int32(truncatingIfNeeded: try wire.varint())
        case (6, .fixed32): floats.append(try wire.float())
        case (6, .bytes):
          var packed = WireReader(try wire.bytes())
          while !packed.isAtEnd { floats.append(try packed.float()) }
        case (7, .varint): isEncoded = try wire.varint() != 0
        case (_, let type): try wire.skip(type)
        }
      }
    } catch let error as CaffeError {
      throw CaffeError("the record is not a Datum: \(error.message)")
    }
    values = bytes.isEmpty && !floats.isEmpty ? .floats(floats) : .bytes(bytes)
    if !isEncoded { try checkExtents() }
  }

  private func checkExtents() throws {
    let extents = "\(channels)×\(height)×\(width)"
    guard channels > 0, height > 0, width > 0 else {
      throw CaffeError("the Datum has no pixels: its extents are \(extents)")
    }
    let count =
      switch values {
      case .bytes(let bytes): bytes.count
      case .floats(let floats): floats.count
      }
    let (plane, planeOverflow) = height.multipliedReportingOverflow(by: width)
    let (wanted, overflow) = plane.multipliedReportingOverflow(by: channels)
    guard !planeOverflow, !overflow, wanted == count else {
      throw CaffeError("the Datum has \(count) values, but its extents are \(extents)")
    }
  }
}
