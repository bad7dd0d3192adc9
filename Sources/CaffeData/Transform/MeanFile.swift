import CaffeErrors

extension TransformSettings.Mean {
  /// Reads `mean_file`: a BlobProto, as `compute_image_mean` writes it.
  package init(file path: String) throws {
    self = try withPlace("mean_file '\(path)'") {
      let bytes = try SystemFile(reading: path).readAll()
      return try bytes.withUnsafeBytes { try Self(blob: $0) }
    }
  }

  /// Extents come from `shape` = 7 {dim = 1} or from channels = 2, height = 3, width = 4; values
  /// from data = 5 (packed or not).
  private init(blob bytes: UnsafeRawBufferPointer) throws {
    var wire = WireReader(bytes)
    var legacy = [1, 0, 0, 0]
    var shape: [Int]?
    var values: [Float] = []
    while let field = try wire.nextField() {
      switch field {
      case (let axis, .varint) where (1...4).contains(axis):
        legacy[Int(axis) - 1] = Int(truncatingIfNeeded: try wire.varint())
      case (5, .fixed32): values.append(try wire.float())
      case (5, .bytes):
        var packed = WireReader(try wire.bytes())
        while !packed.isAtEnd { values.append(try packed.float()) }
      case (7, .bytes): shape = try Self.dimensions(WireReader(try wire.bytes()))
      case (_, let type): try wire.skip(type)
      }
    }
    var extents = shape ?? legacy
    if extents.count == 4 && extents[0] == 1 { extents.removeFirst() }
    guard extents.count == 3, extents.allSatisfy({ $0 > 0 && $0 <= values.count }),
      extents[0] * extents[1] == values.count / extents[2],
      values.count % extents[2] == 0
    else {
      throw CaffeError(
        "a mean image of channels × height × width is wanted, this has \(values.count) values "
          + "in extents \(shape ?? legacy)")
    }
    self.init(channels: extents[0], height: extents[1], width: extents[2], values: values)
  }

  private static func dimensions(_ shape: WireReader) throws -> [Int] {
    var wire = shape
    var dimensions: [Int] = []
    while let field = try wire.nextField() {
      switch field {
      case (1, .varint): dimensions.append(Int(truncatingIfNeeded: try wire.varint()))
      case (1, .bytes):
        var packed = WireReader(try wire.bytes())
        while !packed.isAtEnd { dimensions.append(Int(truncatingIfNeeded: try packed.varint())) }
      case (_, let type): try wire.skip(type)
      }
    }
    return dimensions
  }
}
