import CaffeErrors
import CaffeSchema

/// What `window_data_param` and `transform_param` say of a WindowData layer, checked.
struct WindowSettings: Sendable {
  let batchSize: Int
  /// How many items of a batch are foreground; the others come first.
  let foregroundCount: Int
  let foregroundThreshold: Float
  let backgroundThreshold: Float
  let crop: WindowCrop
  let cachesImages: Bool
  /// Mean and mirror.
  let transform: TransformSettings
  let scale: Float

  init(_ data: WindowDataParameter, _ transform: TransformSettings) throws {
    let size = transform.cropSize
    guard size > 0 else {
      throw CaffeError("WindowData needs a crop_size above 0 in transform_param")
    }
    guard transform.augmentation == Augmentation(), transform.cropExtents == nil else {
      throw CaffeError(
        "WindowData takes of transform_param only crop_size, mirror and the mean, no augmentation")
    }
    guard data.contextPad < (size + 1) / 2 else {
      throw CaffeError(
        "context_pad must be below half of crop_size (\(size)), got \(data.contextPad)")
    }
    guard ["warp", "square"].contains(data.cropMode) else {
      throw CaffeError("crop_mode must be \"warp\" or \"square\", got \"\(data.cropMode)\"")
    }
    guard (0...1).contains(data.fgFraction) else {
      throw CaffeError("fg_fraction must be in 0...1, got \(data.fgFraction)")
    }
    batchSize = data.batchSize
    foregroundCount = Int(Float(data.batchSize) * data.fgFraction)
    foregroundThreshold = data.fgThreshold
    backgroundThreshold = data.bgThreshold
    crop = WindowCrop(
      size: size, contextPad: data.contextPad, isSquare: data.cropMode == "square")
    cachesImages = data.cacheImages
    self.transform = transform
    scale = data.scale
    try withPlace("transform_param") { try Self.checkMeans(transform) }
  }

  private static func checkMeans(_ transform: TransformSettings) throws {
    try transform.checkMeans()
    try transform.checkMeanValues(channels: 3)
    guard let mean = transform.mean else { return }
    let size = transform.cropSize
    guard mean.channels == 3, mean.height >= size, mean.width >= size else {
      throw CaffeError(
        "mean_file must have 3 channels and at least crop_size (\(size)) rows and columns, "
          + "got \(mean.channels)×\(mean.height)×\(mean.width)")
    }
  }
}
