import CaffeErrors
import CaffeSchema

extension TransformSettings {
  /// What `transform_param` says; reads its `mean_file`.
  package init(_ parameter: TransformationParameter) throws {
    self.init(
      scale: parameter.scale, mirror: parameter.mirror, cropSize: parameter.cropSize,
      meanValues: parameter.meanValue,
      mean: parameter.hasMeanFile ? try Mean(file: parameter.meanFile) : nil,
      forceColor: parameter.forceColor, forceGray: parameter.forceGray)
    if parameter.hasCropH || parameter.hasCropW {
      cropExtents = (parameter.cropH, parameter.cropW)
    }
    augmentation = Augmentation(
      leastArea: parameter.resizedCrop, degrees: parameter.rotation,
      brightness: parameter.brightness, contrast: parameter.contrast,
      saturation: parameter.saturation, cutout: parameter.cutout)
  }
}

extension TransformSettings.Mean {
  /// Reads `mean_file`: a binary BlobProto of channels × height × width, with a leading 1 or not, as
  /// `compute_image_mean` writes it.
  package init(file path: String) throws {
    let blob = try withPlace("mean_file") { try BlobProto(contentsOfBinaryFile: path) }
    let values = blob.values
    let shape = blob.extents
    let extents = shape.count == 4 && shape[0] == 1 ? Array(shape.dropFirst()) : shape
    guard extents.count == 3, extents.allSatisfy({ (1...max(1, values.count)).contains($0) }),
      extents[0] * extents[1] == values.count / extents[2], values.count % extents[2] == 0
    else {
      throw CaffeError(
        "a mean image of channels × height × width is wanted, this has \(values.count) values "
          + "in extents \(shape)", places: ["mean_file", path])
    }
    self.init(channels: extents[0], height: extents[1], width: extents[2], values: values)
  }
}
