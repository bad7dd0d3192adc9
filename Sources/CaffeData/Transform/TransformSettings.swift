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

/// The chances one item takes: whether it is mirrored and where it is cropped. Three random numbers
/// that depend on seed, pass and item alone, so that neither threads nor resuming change them.
package struct TransformDraw: Sendable {
  private let random: CounterRandom

  /// The draw of an item in a pass (epoch) over the data.
  package init(seed: UInt64, pass: Int, item: Int) {
    random = CounterRandom(seed: seed).branch(UInt64(pass)).branch(UInt64(item))
  }

  var isMirrored: Bool { random.number(0, below: 2) == 1 }

  /// Where a crop begins that may begin at `0...slack`.
  func rowOffset(slack: Int) -> Int { random.number(1, below: slack + 1) }
  func columnOffset(slack: Int) -> Int { random.number(2, below: slack + 1) }
}
