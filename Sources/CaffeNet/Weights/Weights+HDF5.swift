import CaffeData
import CaffeErrors
import CaffeSchema

/// The layout of `.caffemodel.h5`: a group `/data/<layer>` for every layer, in it a float dataset for
/// each learnable blob, named `0`, `1`, …; the same under `/diff` if gradients are kept.
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

  func prepareHDF5(_ path: String) throws -> PreparedFile {
    try AtomicFile.prepare(path) { temporary in
      let file = try HDF5File(creating: temporary)
      for layer in layers {
        let group = "data/\(layer.name)"
        if !file.exists(group) { try file.createGroup(group) }
        for (index, blob) in layer.blobs.enumerated() {
          guard let blob else { continue }
          try file.write("\(group)/\(index)", blob.values, shape: blob.extents)
          if !blob.diff.isEmpty {
            try file.write("diff/\(layer.name)/\(index)", blob.diff, shape: blob.extents)
          }
        }
      }
      try file.close()
    }
  }
}
