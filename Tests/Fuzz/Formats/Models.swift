import CaffeData
import CaffeErrors
import CaffeSchema
import CaffeTestSupport

extension FileFormat {
  /// Binary messages: models of all three generations, mean images, records.
  static let models = [
    FileFormat(
      "caffemodel", seeds: try files("Tests/Goldens/solver/init.caffemodel") + generations()
    ) {
      bytes in
      _ = try NetWeights(binary: bytes, file: "x.caffemodel")
      _ = try NetParameter(binary: bytes, file: "x.caffemodel").upgraded(file: "x.caffemodel")
    },
    FileFormat("mean", file: "mean.binaryproto", seeds: try [smallMean()]) {
      _ = try TransformSettings.Mean(file: $0)
    },
    FileFormat("datum", seeds: try datums()) { bytes in
      let datum = try DatumRecord(binary: bytes)
      let transformer = try DataTransformer(
        TransformSettings(scale: 0.5, mirror: true, cropSize: 2), isTraining: true)
      let extents = try transformer.outputExtents(of: transformer.extents(of: datum))
      var values = [Float](repeating: 0, count: extents.count)
      try values.withUnsafeMutableBufferPointer {
        try transformer.transform(datum, TransformDraw(seed: 1, pass: 2, item: 3), into: $0)
      }
    },
  ]

  /// A model of V1 layers, and one of V0 layers.
  private static func generations() throws -> [[UInt8]] {
    var (v1, v0) = (OldLayers.v1, OldLayers.v0)
    (v1.bottom, v0.bottom) = (["data"], ["data"])
    (v1.top, v0.top) = (["fc"], ["c"])
    return try [v1, v0].map { layer in
      var net = NetParameter()
      net.name = "old"
      net.layers = [layer]
      return try net.binary()
    }
  }

  private static func smallMean() throws -> [UInt8] {
    var blob = BlobProto()
    (blob.num, blob.channels, blob.height, blob.width) = (1, 3, 2, 2)
    blob.data = (0..<12).map { Float($0) }
    return try blob.binary()
  }

  /// Records of bytes, of floats, and of an encoded picture.
  private static func datums() throws -> [[UInt8]] {
    var datum = Datum()
    (datum.channels, datum.height, datum.width, datum.label) = (3, 3, 2, 7)
    datum.data = (0..<18).map { UInt8($0) }
    var floats = Datum()
    (floats.channels, floats.height, floats.width) = (1, 2, 3)
    floats.floatData = [1, 2, 3, 4, 5, 6]
    var encoded = Datum()
    encoded.encoded = true
    encoded.data = try content(PackageFolder.path("Tests/Fixtures/rgb.png"))
    return try [datum, floats, encoded].map { try $0.binary() }
  }
}
