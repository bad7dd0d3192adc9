import CaffeErrors

/// What `transform_param` says, with the mean file read.
package struct TransformSettings: Sendable {
  /// A mean image in planar order.
  package struct Mean: Sendable, Equatable {
    package var channels: Int
    package var height: Int
    package var width: Int
    package var values: [Float]

    package init(channels: Int, height: Int, width: Int, values: [Float]) {
      precondition(
        values.count == channels * height * width,
        "\(values.count) values for a mean of \(channels)×\(height)×\(width)")
      self.channels = channels
      self.height = height
      self.width = width
      self.values = values
    }

    /// The mean of each channel.
    package var channelMeans: [Float] {
      let area = height * width
      return (0..<channels).map { channel in
        let sum = values[channel * area..<(channel + 1) * area].reduce(0.0) { $0 + Double($1) }
        return Float(sum / Double(area))
      }
    }
  }

  package var scale: Float
  package var mirror: Bool
  /// 0: no cropping.
  package var cropSize: Int
  /// None, one for all channels, or one for each.
  package var meanValues: [Float]
  package var mean: Mean?
  package var forceColor: Bool
  package var forceGray: Bool
  /// A crop that need not be square, in place of `cropSize`.
  package var cropExtents: (height: Int, width: Int)?
  /// What Caffe does not do.
  package var augmentation = Augmentation()

  package init(
    scale: Float = 1, mirror: Bool = false, cropSize: Int = 0, meanValues: [Float] = [],
    mean: Mean? = nil, forceColor: Bool = false, forceGray: Bool = false
  ) {
    self.scale = scale
    self.mirror = mirror
    self.cropSize = cropSize
    self.meanValues = meanValues
    self.mean = mean
    self.forceColor = forceColor
    self.forceGray = forceGray
  }
}

extension TransformSettings {
  /// The extents of a crop; nil if nothing is cropped.
  var crop: (height: Int, width: Int)? {
    cropExtents ?? (cropSize > 0 ? (cropSize, cropSize) : nil)
  }

  /// - Throws: unless a crop is given in one way.
  func checkCrop() throws {
    guard cropSize >= 0 else {
      throw CaffeError("crop_size must not be negative, got \(cropSize)")
    }
    guard let (height, width) = cropExtents else { return }
    guard cropSize == 0 else {
      throw CaffeError("crop_size and crop_h, crop_w exclude each other; give one of them")
    }
    guard height > 0, width > 0 else {
      throw CaffeError("crop_h and crop_w must be set at the same time, got \(height) and \(width)")
    }
  }

  /// - Throws: unless there is at most one kind of mean.
  func checkMeans() throws {
    guard mean == nil || meanValues.isEmpty else {
      throw CaffeError("mean_file and mean_value exclude each other; give one of them")
    }
  }

  /// - Throws: unless the values fit data of so many channels.
  func checkMeanValues(channels: Int) throws {
    guard meanValues.count <= 1 || meanValues.count == channels else {
      throw CaffeError(
        "mean_value must be given once or once per channel (\(channels)), got \(meanValues.count)")
    }
  }

  /// What `mean_value` says of a channel.
  func meanValue(_ channel: Int) -> Float {
    meanValues.isEmpty ? 0 : meanValues[meanValues.count == 1 ? 0 : channel]
  }
}
