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

/// The chances one item takes: whether it is mirrored and where it is cropped. Three random numbers
/// that depend on seed, pass and item alone, so that neither threads nor resuming change them.
package struct TransformDraw: Sendable {
  private let random: CounterRandom

  /// The draw of an item of the batch that forward pass `pass` takes.
  package init(seed: UInt64, pass: Int, item: Int) {
    random = CounterRandom(seed: seed).branch(UInt64(pass)).branch(UInt64(item))
  }

  var isMirrored: Bool { random.number(0, below: 2) == 1 }

  /// Where a crop begins that may begin at `0...slack`.
  func rowOffset(slack: Int) -> Int { random.number(1, below: slack + 1) }
  func columnOffset(slack: Int) -> Int { random.number(2, below: slack + 1) }
}
