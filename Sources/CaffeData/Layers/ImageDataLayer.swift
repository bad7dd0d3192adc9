import CaffeCore
import CaffeErrors
import CaffeSchema

/// Reads batches of image files that a text file lists, transformed, each with a label.
///
/// - Tops: the images, `[batch_size, c, h, w]`, where `c` is 3 (blue, green, red) or 1 with
///   `is_color: false`, and the labels, `[batch_size]`, or `[batch_size, label_dim]`. `h` and `w` are `new_height` and
///   `new_width`, or those of the batch's first image, which all of the batch must share; with
///   `crop_size` they are that.
///
/// A line is a path, a space and a whole number, or `label_dim` numbers with spaces between;
/// `root_folder` is put before the path as it is. `shuffle` gives each epoch another order;
/// `rand_skip` begins at one of the first images. An image that cannot be used is an error that
/// names its line; with `skip_damaged` it is told, counted, and becomes a copy of its neighbour in
/// the batch.
///
/// Source: BVLC Caffe, `image_data_layer.cpp`.
package final class ImageDataLayer: ImageBatchLayer {
  package static let kind = LayerKind(
    "ImageData", bottoms: .exactly(0), tops: .exactly(2),
    documentation: LayerDocumentation(
      "Batches of images, and a label each, from the files that a text file lists",
      parameterFields: ["image_data_param", "transform_param"], source: "image_data_layer.cpp")
  ) { try ImageDataLayer($0, context: $1) }

  init(_ parameter: LayerParameter, context: LayerContext) throws {
    let data = parameter.imageDataParam
    try Self.checkBatchSize(data.batchSize)
    let settings = ImageListSource.Settings(
      batchSize: data.batchSize,
      size: try Self.size(height: data.newHeight, width: data.newWidth),
      colors: data.isColor ? .color : .gray, shuffles: data.shuffle, skipsFewerThan: data.randSkip,
      skipsDamaged: data.skipDamaged)
    guard (1...Self.mostLabels).contains(data.labelDim) else {
      throw CaffeError("label_dim must be in 1..\(Self.mostLabels), got \(data.labelDim)")
    }
    Self.reportIgnored(
      [
        "scale": data.hasScale, "mean_file": data.hasMeanFile, "crop_size": data.hasCropSize,
        "mirror": data.hasMirror,
      ], of: "image_data_param", context)
    let list = try withPlace("image_data_param.source") {
      try ImageList(context.resolve(data.source), labelsEach: data.labelDim) {
        context.resolve(data.rootFolder + $0)
      }
    }
    if let remark = list.oddLabelRemark { context.report(remark) }
    let source = try ImageListSource(
      list, settings, transformer: Self.transformer(of: parameter, context),
      seed: Self.seed(of: parameter, context),
      orderSeed: Self.seed(of: parameter, context, use: "/order"))
    try super.init(parameter, context: context, source: source)
  }

  private static let mostLabels = 1 << 16

  /// What images are scaled to; nil if the prototxt does not say.
  private static func size(height: Int, width: Int) throws -> (height: Int, width: Int)? {
    guard (height > 0) == (width > 0) else {
      throw CaffeError(
        "new_height and new_width must be set at the same time, got \(height) and \(width)")
    }
    guard height > 0 else { return nil }
    guard height <= ImageDecoder.mostPixels / width else {
      throw CaffeError(
        "new_height × new_width must be at most \(ImageDecoder.mostPixels), got \(height)×\(width)")
    }
    return (height, width)
  }
}
