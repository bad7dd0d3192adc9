import CaffeCore
import CaffeErrors
import CaffeSchema

/// Cuts batches of windows out of images and warps them to one size, as R-CNN is trained.
///
/// - Tops: the windows, `[batch_size, 3, crop_size, crop_size]`, and their labels, `[batch_size]`.
///
/// Of each batch, `fg_fraction` are windows that overlap the truth by `fg_threshold` or more; they
/// come last. The others overlap by less than `bg_threshold` and have label 0. Both are drawn at
/// random, as a function of the seed and the pass. `transform_param` gives `crop_size`, `mirror` and
/// the mean, but the scale is `window_data_param.scale`. Pixels outside of the image are 0.
///
/// Source: BVLC Caffe, `window_data_layer.cpp`.
package final class WindowDataLayer: ImageBatchLayer {
  package static let kind = LayerKind(
    "WindowData", bottoms: .exactly(0), tops: .exactly(2),
    documentation: LayerDocumentation(
      "Batches of windows cut out of images, with labels, as R-CNN is trained",
      parameterFields: ["window_data_param", "transform_param"], source: "window_data_layer.cpp")
  ) { try WindowDataLayer($0, context: $1) }

  init(_ parameter: LayerParameter, context: LayerContext) throws {
    let data = parameter.windowDataParam
    try Self.checkBatchSize(data.batchSize)
    Self.reportIgnored(
      [
        "mean_file": data.hasMeanFile, "crop_size": data.hasCropSize, "mirror": data.hasMirror,
      ], of: "window_data_param", context)
    if parameter.transformParam.hasScale {
      context.report(
        "transform_param.scale is ignored, as by Caffe; WindowData has window_data_param.scale")
    }
    let settings = try WindowSettings(
      data, Self.transformSettings(of: parameter, context),
      root: ImageRoot(data.rootFolder, context))
    let source = try withPlace("window_data_param.source") {
      try WindowSource(
        context.resolve(data.source), settings, seed: Self.seed(of: parameter, context))
    }
    try super.init(parameter, context: context, source: source)
  }
}
