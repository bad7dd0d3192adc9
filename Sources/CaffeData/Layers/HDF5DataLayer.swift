import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Reads batches from HDF5 files that a text file lists.
///
/// - Tops: one or more, each filled from the dataset of its name, `[batch_size, rows' shape…]`, of any
///   rank and of a float or integer type. Batches go on across the ends of files and begin again after
///   the last. `shuffle` gives each epoch another order of files and rows.
///
/// Source: BVLC Caffe, `hdf5_data_layer.cpp`.
package final class HDF5DataLayer: Layer, DataWaiting {
  package static let kind = LayerKind(
    "HDF5Data", bottoms: .exactly(0), tops: .atLeast(1),
    documentation: LayerDocumentation(
      "Batches from HDF5 files, one data set for each top of its name",
      parameterFields: ["hdf5_data_param"], source: "hdf5_data_layer.cpp")
  ) { try HDF5DataLayer($0, context: $1) }

  private let source: HDF5DataSource
  /// How many rows an epoch has.
  package override func recordCount() -> Int? { source.recordCount }
  private let batchSize: Int
  package private(set) var waited = Duration.zero

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let data = parameter.hdf5DataParam
    guard !parameter.hasTransformParam else {
      throw CaffeError("HDF5Data does not transform data; remove transform_param")
    }
    guard data.batchSize > 0 else {
      throw CaffeError("batch_size must be positive, got \(data.batchSize)")
    }
    batchSize = data.batchSize
    source = try withPlace("hdf5_data_param.source") {
      try HDF5DataSource(
        list: context.resolve(data.source), tops: parameter.top, folder: context.folder,
        shuffle: data.shuffle,
        seed: RandomStream(seed: context.seed, name: parameter.name).key)
    }
    try super.init(parameter, context: context)
  }

  package override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    try source.rowShapes.map { try Shape([batchSize] + $0) }
  }

  package override func forward() throws {
    let items = min(batchSize, itemLimit ?? batchSize)
    for (blob, row) in zip(top, source.rowShapes) { blob.reshape(try Shape([items] + row)) }
    let buffers = top.map {
      UnsafeMutableBufferPointer(start: $0.data.overwrite(), count: $0.count)
    }
    waited += try ContinuousClock().measure { try source.read(items, into: buffers) }
  }

  package override func seek(toPass pass: UInt64) throws {
    source.seek(to: Int(pass) * batchSize)
  }
}
