import CaffeCore
import CaffeData
import CaffeErrors
import CaffeSchema

/// Learned values by layer, as they are in a `.caffemodel` or `.caffemodel.h5`, or in a net.
public struct Weights {
  public struct Layer {
    public let name: String
    /// As a prototxt has it; empty if the file does not say.
    public let type: String
    /// `nil` where the layer shares a parameter that another layer's entry holds (HDF5 only).
    public let blobs: [BlobProto?]
  }

  /// Name of the net, empty if the file does not say.
  public let name: String
  public let layers: [Layer]
  /// The file they were read from.
  private let source: String?

  /// Reads a file in either format, told apart by its content.
  ///
  /// - Throws: a missing, truncated or foreign file, naming it.
  public init(contentsOf path: String) throws {
    source = path
    if HDF5File.isHDF5(path) {
      name = ""
      layers = try Weights.readHDF5(path)
    } else {
      let weights = try Weights.readBinary(path)
      name = weights.name
      layers = weights.layers.map { Layer(name: $0.name, type: $0.type, blobs: $0.blobs) }
    }
  }

  private static func readBinary(_ path: String) throws -> NetWeights {
    do {
      return try NetWeights(contentsOfFile: path)
    } catch {
      let state = try? SolverState(contentsOfBinaryFile: path)
      throw state?.hasLearnedNet == true ? Weights.isState(path) : error
    }
  }

  /// A state given in place of a model is a common mistake, and gets its own sentence.
  static func isState(_ path: String) -> CaffeError {
    CaffeError(
      "\(path) holds a solver state, not weights; give it to --snapshot, or the weights beside it to --weights"
    )
  }

  /// Writes HDF5 if `path` ends in `.h5`, binary protobuf otherwise; in full or not at all. Shapes of
  /// four extents, as old files have them, become those that nets have today.
  ///
  /// - Throws: a layer that lacks one of its blobs, which a binary file cannot say; two layers with blobs
  ///   under one name, which HDF5 cannot keep apart; a file that cannot be written.
  public func write(to path: String) throws {
    try prepare(path).commit()
  }

  private func prepare(_ path: String) throws -> PreparedFile {
    let layers = layers.map(\.withTodaysShapes)
    if path.hasSuffix(".h5") {
      return try Weights.prepareHDF5(path, layers.map { HDF5Layer($0) })
    } else {
      try checkNothingLacks()
      var net = NetParameter()
      net.name = name
      net.layer = layers.map { layer in
        var parameter = LayerParameter()
        parameter.name = layer.name
        if !layer.type.isEmpty { parameter.type = layer.type }
        parameter.blobs = layer.blobs.compactMap { $0 }
        return parameter
      }
      return try Weights.prepareBinary(net, path)
    }
  }

  private func checkNothingLacks() throws {
    for layer in layers {
      guard let lacking = layer.blobs.firstIndex(where: { $0 == nil }) else { continue }
      throw CaffeError(
        "layer '\(layer.name)' lacks blob \(lacking), which is shared with another layer; a binary file needs every blob: give the net with --model",
        places: source.map { [$0] } ?? [])
    }
  }

  /// How many values all blobs hold.
  public var valueCount: Int {
    layers.reduce(0) { $0 + $1.blobs.reduce(0) { $0 + ($1?.values.count ?? 0) } }
  }

  static func prepareBinary(_ net: NetParameter, _ path: String) throws -> PreparedFile {
    let bytes = try withPlace(path) { try net.binary() }
    return try bytes.withUnsafeBytes { try AtomicFile.prepare(path, $0) }
  }
}

extension Weights.Layer {
  /// The same with the shapes that a net of Caffe 1.0 has.
  fileprivate var withTodaysShapes: Weights.Layer {
    Weights.Layer(
      name: name, type: type,
      blobs: blobs.enumerated().map { $1?.withTodaysShape(inLayer: type, index: $0) })
  }
}
