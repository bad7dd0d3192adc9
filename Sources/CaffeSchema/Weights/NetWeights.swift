import CaffeErrors
import CaffeSchemaC

/// The learnt blobs of a binary model (`.caffemodel`), layer by layer.
///
/// Decodes layer names, types and blobs in all three generations of the format, and skips the rest:
/// forks reuse field numbers, so their models load too. The file is mapped, and each blob's C memory
/// is given back as soon as it is copied, so a model takes little more than its own size.
public struct NetWeights: Sendable {
  public struct Layer: Sendable {
    public let name: String
    /// Today's type name; for a V1 or V0 type that Caffe 1.0 does not know, as in the file.
    public let type: String
    public let blobs: [BlobProto]
  }

  /// The name of the net.
  public let name: String
  /// In the order of the file. V1 and V0 layers come before those of today's form.
  public let layers: [Layer]

  /// - Throws: CaffeError if the file cannot be read or holds no layers.
  public init(contentsOfFile path: String) throws {
    self = try FileBytes.withBytes(of: path, limit: FileBytes.largestBinary) {
      try NetWeights(binary: $0, file: path)
    }
  }

  /// - Parameter file: The name that errors carry.
  public init(binary bytes: UnsafeRawBufferPointer, file: String) throws {
    let reason = Self.foreignContent(bytes)
    let start = bytes.bindMemory(to: UInt8.self).baseAddress
    guard reason == nil,
      let unpacked = caffe__weights_net__unpack(nil, bytes.count, start)
    else {
      throw CaffeError(
        "\(file) is not a binary caffemodel" + (reason.map { ": \($0)" } ?? ", or it is truncated")
          + " (\(bytes.count) bytes)")
    }
    defer { caffe__weights_net__free_unpacked(unpacked, nil) }
    let net = unpacked.pointee
    name = WeightsReader.text(net.name)
    layers = try withPlace(file) { try WeightsReader.layers(of: net) }
    if layers.isEmpty { throw CaffeError("\(file) holds no layers, so it is no caffemodel") }
  }

  /// What the bytes are instead, if that is plain from how they begin.
  private static func foreignContent(_ bytes: UnsafeRawBufferPointer) -> String? {
    if bytes.isEmpty { return "it is empty" }
    if bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) { return "it is an HDF5 file" }
    let isText = bytes.prefix(64).allSatisfy { (0x20..<0x7F).contains($0) || (9...13).contains($0) }
    return isText ? "it is text" : nil
  }
}
