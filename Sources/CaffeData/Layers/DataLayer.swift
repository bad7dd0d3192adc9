import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Reads batches of records (Datum) from a database, transformed, in the order of their keys.
///
/// - Tops: the images, `[batch_size, c, h, w]` (or the crop's extents), and optionally the labels,
///   `[batch_size]`. After the last record it begins again with the first.
///
/// `transform_param` scales, crops, mirrors and subtracts means. A thread of its own prepares up to
/// `prefetch` batches ahead; what they hold depends on the pass alone.
///
/// Source: BVLC Caffe, `data_layer.cpp`, `base_data_layer.cpp`.
package final class DataLayer: Layer {
  package static let kind = LayerKind(
    "Data", bottoms: .exactly(0), tops: .between(1, 2),
    documentation: LayerDocumentation(
      "Batches of images and labels from a database (LMDB or LevelDB)",
      parameterFields: ["data_param", "transform_param"], source: "data_layer.cpp")
  ) { try DataLayer($0, context: $1) }

  private let reader: BatchReader
  private let prefetcher: Prefetcher<BatchReader.Batch>

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let data = parameter.dataParam
    guard data.batchSize > 0 else {
      throw CaffeError("batch_size must be positive, got \(data.batchSize)")
    }
    guard data.prefetch > 0 else {
      throw CaffeError("prefetch must be positive, got \(data.prefetch)")
    }
    DataLayer.warnOfIgnoredFields(data, context: context)
    let isTraining = (parameter.hasPhase ? parameter.phase : context.phase) == .train
    var transform = parameter.transformParam
    if transform.hasMeanFile { transform.meanFile = context.resolve(transform.meanFile) }
    let transformer = try withPlace("transform_param") {
      try DataTransformer(TransformSettings(transform), isTraining: isTraining)
    }
    let reader = try BatchReader(
      database: withPlace("data_param.source") { try LMDBDatabase(context.resolve(data.source)) },
      transformer: transformer, batchSize: data.batchSize,
      seed: RandomStream(seed: context.seed, name: parameter.name).key)
    self.reader = reader
    prefetcher = Prefetcher(name: parameter.name, depth: data.prefetch) { try reader.batch($0) }
    try super.init(parameter, context: context)
  }

  /// Caffe reads these fields in old nets only, where the upgrade has moved them.
  private static func warnOfIgnoredFields(_ data: DataParameter, context: LayerContext) {
    let ignored = [
      (data.hasScale, "scale"), (data.hasMeanFile, "mean_file"), (data.hasCropSize, "crop_size"),
      (data.hasMirror, "mirror"),
    ].filter(\.0).map(\.1)
    for field in ignored {
      context.report("data_param.\(field) is ignored, as by Caffe; it belongs in transform_param")
    }
    if data.randSkip > 0 { context.report("data_param.rand_skip is ignored, as by Caffe 1.0") }
  }

  package override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let images = try reader.shape(reader.firstExtents)
    return parameter.top.count > 1 ? [images, try Shape([reader.batchSize])] : [images]
  }

  package override func forward() throws {
    let batch = try prefetcher.next()
    top[0].reshape(try reader.shape(batch.extents))
    batch.values.withUnsafeBufferPointer { values in
      if let start = values.baseAddress {
        Vector.copy(start, count: values.count, into: top[0].data.overwrite())
      }
    }
    if top.count > 1 { top[1].data.values = batch.labels }
    reader.recycle(batch)
  }

  package override func seek(toPass pass: UInt64) throws {
    prefetcher.restart(at: Int(pass))
  }
}
