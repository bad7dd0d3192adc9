import CProtobufC
import CaffeErrors
import CaffeSchemaC

/// Takes the layers out of an unpacked `WeightsNet`, emptying its blobs on the way.
enum WeightsReader {
  static func layers(of net: Caffe__WeightsNet) throws -> [NetWeights.Layer] {
    let old = UnsafeBufferPointer(start: net.layers, count: net.n_layers)
    let new = UnsafeBufferPointer(start: net.layer, count: net.n_layer)
    return try old.compactMap { try $0.map { try layer($0.pointee) } }
      + new.compactMap {
        try $0.map {
          let name = text($0.pointee.name)
          return NetWeights.Layer(
            name: name, type: text($0.pointee.type),
            blobs: try blobs($0.pointee.blobs, $0.pointee.n_blobs, layer: name))
        }
      }
  }

  /// A string, empty if unset.
  static func text(_ c: UnsafeMutablePointer<CChar>?) -> String {
    c.map { String(cString: $0) } ?? ""
  }

  /// A V1 layer, or the V0 layer inside it.
  private static func layer(_ v1: Caffe__WeightsV1Layer) throws -> NetWeights.Layer {
    if let v0 = v1.layer?.pointee {
      let name = text(v0.name)
      let type = text(v0.type)
      return NetWeights.Layer(
        name: name, type: LayerTypeNames.type(ofV0: type).map(LayerTypeNames.name) ?? type,
        blobs: try blobs(v0.blobs, v0.n_blobs, layer: name))
    }
    let name = text(v1.name)
    let type = V1LayerParameter.LayerType(rawValue: v1.type).map(LayerTypeNames.name)
    return NetWeights.Layer(
      name: name, type: type ?? "\(v1.type)", blobs: try blobs(v1.blobs, v1.n_blobs, layer: name))
  }

  private static func blobs(
    _ start: UnsafeMutablePointer<UnsafeMutablePointer<Caffe__BlobProto>?>?, _ count: Int,
    layer: String
  ) throws -> [BlobProto] {
    try UnsafeBufferPointer(start: start, count: count).compactMap { blob in
      guard let blob else { return nil }
      if blob.pointee.n_data == 0 && blob.pointee.n_double_data == 0
        && hasRawData(blob.pointee.base)
      {
        throw CaffeError(
          "layer '\(layer)' keeps its numbers in raw_data, a field of NVIDIA/caffe; "
            + "save the model with float32 data there")
      }
      return BlobProto(fields: CMessageReader.read(blob, as: BlobProto.descriptor))
    }
  }

  /// Whether NVIDIA's `raw_data` (bytes, number 12) is among the fields that were skipped.
  private static func hasRawData(_ message: ProtobufCMessage) -> Bool {
    UnsafeBufferPointer(start: message.unknown_fields, count: Int(message.n_unknown_fields))
      .contains {
        $0.tag == 12 && $0.wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && $0.len > 1
      }
  }
}
