import CaffeData
import CaffeErrors
import CaffeSchema

/// The layout of `.caffemodel.h5`: a group `/data/<layer>` for every layer, in it a float dataset for
/// each learnable blob that no layer before it has, named `0`, `1`, …; if gradients are kept, the same
/// under `/diff`, with shared blobs in each layer that has them.
///
/// A layer name with `/` makes groups within groups, which BVLC Caffe neither writes nor reads.
extension Weights {
  static func readHDF5(_ path: String) throws -> [Layer] {
    let file = try HDF5File.open(path)
    guard try file.exists("data"), try file.isGroup("data") else {
      throw try file.exists("history")
        ? Weights.isState(path)
        : CaffeError("\(path) has no group 'data', so it is no caffemodel.h5")
    }
    var layers: [Layer] = []
    try Weights.collect(file, group: "data", name: "", depth: 0, into: &layers)
    return layers
  }

  /// More parts than any layer's name has, and more layers than any net has: a damaged file may have
  /// a group that is inside itself.
  private static let (deepest, mostLayers) = (16, 1 << 16)

  private static func collect(
    _ file: any HDF5Reading, group: String, name: String, depth: Int, into layers: inout [Layer]
  ) throws {
    guard depth <= deepest, layers.count < mostLayers else {
      throw CaffeError("\(file.path): the groups in 'data' have no end")
    }
    var blobs: [Int: BlobProto] = [:]
    var isParent = false
    for child in try file.children(of: group) {
      let path = "\(group)/\(child)"
      if try file.isGroup(path) {
        isParent = true
        try collect(
          file, group: path, name: name.isEmpty ? child : "\(name)/\(child)",
          depth: depth + 1, into: &layers)
      } else if let index = Int(child), (0..<1024).contains(index) {
        blobs[index] = try blob(file, path)
      } else {
        throw CaffeError("\(file.path): dataset '\(path)' is not named by a blob's number")
      }
    }
    if !blobs.isEmpty || !isParent && !name.isEmpty {
      let count = (blobs.keys.max() ?? -1) + 1
      layers.append(Layer(name: name, type: "", blobs: (0..<count).map { blobs[$0] }))
    }
  }

  /// A float dataset as a blob.
  package static func blob(_ file: any HDF5Reading, _ path: String) throws -> BlobProto {
    let array = try file.read(path, as: Float.self)
    var shape = BlobShape()
    shape.dim = array.shape
    var blob = BlobProto()
    blob.shape = shape
    blob.data = array.values
    return blob
  }

  /// What HDF5 keeps of a layer.
  struct HDF5Layer {
    let name: String
    /// `nil` where another layer's entry holds the values.
    let values: [BlobProto?]
    /// The same of gradients, which each layer has for itself; `nil` if none are kept.
    let gradients: [BlobProto?]?
  }

  /// Writes groups for every layer, and if one has gradients, then also of every layer, under `/diff`.
  ///
  /// - Throws: two layers that would be one there, a file that cannot be written.
  ///
  /// Source: BVLC Caffe, `Net::ToHDF5`.
  static func prepareHDF5(_ path: String, _ layers: [HDF5Layer]) throws -> PreparedFile {
    if let namesake = namesake(in: layers.map { ($0.name, !$0.values.isEmpty) }) {
      throw CaffeError(
        "layer '\(layers[namesake].name)' has the name of a layer before it, and HDF5 keeps the blobs of layers by their names: rename one",
        places: [path])
    }
    let keepsGradients = layers.contains { $0.gradients != nil }
    return try AtomicFile.prepare(path) { temporary in
      let file = try HDF5File(creating: temporary)
      for layer in layers {
        try write(layer.values, "data/\(layer.name)", to: file)
        if keepsGradients { try write(layer.gradients ?? [], "diff/\(layer.name)", to: file) }
      }
      try file.close()
    }
  }

  private static func write(_ blobs: [BlobProto?], _ group: String, to file: HDF5File) throws {
    if !file.exists(group) { try file.createGroup(group) }
    for (index, blob) in blobs.enumerated() {
      guard let blob else { continue }
      try file.write("\(group)/\(index)", blob.values, shape: blob.extents)
    }
  }

  /// The number of the first layer with blobs that has the name of a layer before it: a file cannot keep
  /// both apart if its layers go by their names, and a net takes the blobs for those of the first.
  package static func namesake(in layers: [(name: String, hasBlobs: Bool)]) -> Int? {
    var names: Set<String> = []
    return layers.firstIndex { !names.insert($0.name).inserted && $0.hasBlobs }
  }
}

extension Weights.HDF5Layer {
  init(_ layer: Weights.Layer) {
    let hasGradients = layer.blobs.contains { $0?.diff.isEmpty == false }
    self.init(
      name: layer.name, values: layer.blobs,
      gradients: hasGradients ? layer.blobs.map { $0?.gradient } : nil)
  }
}

extension BlobProto {
  /// The gradients as values of a blob of their own; `nil` if there are none.
  fileprivate var gradient: BlobProto? {
    guard !diff.isEmpty else { return nil }
    var blob = self
    (blob.data, blob.diff, blob.doubleData) = (diff, [], [])
    return blob
  }
}
