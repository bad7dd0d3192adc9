import CaffeCore
import CaffeErrors
import CaffeSchema

/// Reads batches of records (Datum) from an LMDB or LevelDB database, transformed, in the order of
/// their keys.
///
/// - Tops: the images, `[batch_size, c, h, w]` (or the crop's extents), and optionally the labels,
///   `[batch_size]`. After the last record it begins again with the first.
///
/// `transform_param` scales, crops, mirrors and subtracts means. A folder with a database of the
/// other kind than `backend` says is read as what it is, with a remark in the log.
///
/// Source: BVLC Caffe, `data_layer.cpp`, `base_data_layer.cpp`.
package final class DataLayer: ImageBatchLayer {
  package static let kind = LayerKind(
    "Data", bottoms: .exactly(0), tops: .between(1, 2),
    documentation: LayerDocumentation(
      "Batches of images and labels from a database (LMDB or LevelDB)",
      parameterFields: ["data_param", "transform_param"], source: "data_layer.cpp")
  ) { try DataLayer($0, context: $1) }

  init(_ parameter: LayerParameter, context: LayerContext) throws {
    let data = parameter.dataParam
    try Self.checkBatchSize(data.batchSize)
    Self.reportIgnored(
      [
        "scale": data.hasScale, "mean_file": data.hasMeanFile, "crop_size": data.hasCropSize,
        "mirror": data.hasMirror,
      ], of: "data_param", context)
    if data.randSkip > 0 { context.report("data_param.rand_skip is ignored, as by Caffe 1.0") }
    let source = try RecordBatchSource(
      database: withPlace("data_param.source") {
        try DatabaseKind(data.backend).open(context.resolve(data.source), report: context.report)
      },
      transformer: Self.transformer(of: parameter, context), batchSize: data.batchSize,
      seed: Self.seed(of: parameter, context))
    try super.init(parameter, context: context, source: source)
  }
}
