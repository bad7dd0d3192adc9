import CaffeCore
import CaffeErrors
import CaffeSchema

/// Reads batches of records (Datum) from an LMDB or LevelDB database, or of images from idx or
/// CIFAR-10 files, transformed, in the order of their keys.
///
/// - Tops: the images, `[batch_size, c, h, w]` (or the crop's extents), and optionally the labels,
///   `[batch_size]`. After the last record it begins again with the first.
///
/// `transform_param` scales, crops, mirrors and subtracts means. A database of another kind than
/// `backend` says is read as what it is, with a remark in the log. With `shuffle` each epoch has
/// another order of all records, for which their keys are read once and kept. A record that cannot
/// be used is an error that names its key; with `skip_damaged` it is told, counted, and becomes a
/// copy of its neighbour in the batch.
///
/// Source: BVLC Caffe, `data_layer.cpp`, `base_data_layer.cpp`.
package final class DataLayer: ImageBatchLayer {
  package static let kind = LayerKind(
    "Data", bottoms: .exactly(0), tops: .between(1, 2),
    documentation: LayerDocumentation(
      "Batches of images and labels from a database (LMDB, LevelDB) or file (idx, CIFAR-10)",
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
      seed: Self.seed(of: parameter, context),
      orderSeed: data.shuffle ? Self.seed(of: parameter, context, use: "/order") : nil,
      skipsDamaged: data.skipDamaged)
    try super.init(parameter, context: context, source: source)
  }
}
