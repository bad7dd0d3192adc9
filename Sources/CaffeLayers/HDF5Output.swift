import CaffeCore
import CaffeData
import CaffeErrors
import CaffeSchema

/// Writes its bottoms to the HDF5 file `file_name`, batch after batch.
///
/// - Bottoms: two blobs with as many rows `[n, …]`, for the datasets `data` and `label`, which have four
///   axes or more. No tops.
///
/// The first pass creates the file, replacing what was there, and each pass appends its rows; so the
/// number of rows may vary but not their shape. (Caffe can save a single batch only.) The file may be
/// read between passes.
///
/// Source: BVLC Caffe, `hdf5_output_layer.cpp`.
final class HDF5OutputLayer: Layer {
  static let kind = LayerKind(
    "HDF5Output", bottoms: .exactly(2), tops: .exactly(0), isForwardOnly: true,
    documentation: LayerDocumentation(
      "Writes its bottoms to a file, batch after batch, as the datasets data and label",
      parameterFields: ["hdf5_output_param"], source: "hdf5_output_layer.cpp")
  ) { try HDF5OutputLayer($0, context: $1) }

  private let path: String
  private var writer: HDF5RowWriter?
  private var rowShapes: [[Int]] = []

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    guard !parameter.hdf5OutputParam.fileName.isEmpty else {
      throw CaffeError("hdf5_output_param.file_name must be specified")
    }
    path = context.resolve(parameter.hdf5OutputParam.fileName)
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    for shape in bottoms {
      guard shape.axes >= 1, shape.count > 0 else {
        throw CaffeError("there is nothing to write in a blob of shape \(shape)")
      }
    }
    guard bottoms[0][0] == bottoms[1][0] else {
      throw CaffeError(
        "data and label must have as many rows: \(bottoms[0][0]) vs. \(bottoms[1][0])")
    }
    return []
  }

  override func forward() throws {
    let shapes = bottom.map { Array($0.shape.dimensions.dropFirst()) }
    let writer = try openWriter(shapes)
    guard shapes == rowShapes else {
      throw CaffeError(
        "the rows of \(path) have shapes \(rowShapes[0]) and \(rowShapes[1]), these have \(shapes[0]) and \(shapes[1])"
      )
    }
    try writer.append(rows: bottom[0].shape[0], bottom.map { $0.data.read() })
  }

  private func openWriter(_ shapes: [[Int]]) throws -> HDF5RowWriter {
    if let writer { return writer }
    // Caffe writes num, channels, height and width.
    let full = shapes.map { $0 + Array(repeating: 1, count: max(0, 3 - $0.count)) }
    let opened = try HDF5RowWriter(
      creating: path, datasets: [("data", full[0]), ("label", full[1])])
    (writer, rowShapes) = (opened, shapes)
    return opened
  }
}
