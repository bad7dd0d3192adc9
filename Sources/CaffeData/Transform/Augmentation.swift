import CaffeErrors
import Glibc

/// Random changes of training pictures beyond Caffe's crops and mirrors; all are off by default.
///
/// Each is a function of the draw of an item. In this order: a part of the picture is turned and
/// scaled (bilinear; outside of the picture its edge goes on), colours are changed; then crop, mirror,
/// mean and scale as always; at last a square is set to 0, which is the mean.
package struct Augmentation: Sendable, Equatable {
  /// A crop is scaled from a part of at least this share of the picture's area, its sides' ratio up
  /// to 4 : 3 more or less than the picture's own; 1 for crops that are not scaled.
  package var leastArea: Float = 1
  /// The largest turn, either way.
  package var degrees: Float = 0
  /// The largest shares by which values, their distance from the picture's mean, and the distance of
  /// colours from gray change.
  package var brightness: Float = 0
  package var contrast: Float = 0
  package var saturation: Float = 0
  /// The side of the square that is set to the mean; it may hang over the picture's edge.
  package var cutout = 0

  /// Whether crops are scaled to their extents, so that a picture may be smaller.
  var scalesCrops: Bool { leastArea < 1 }
  private var moves: Bool { scalesCrops || degrees > 0 }
  private var changesColors: Bool { brightness > 0 || contrast > 0 || saturation > 0 }
  /// Whether anything is done before the crop.
  var changesPictures: Bool { moves || changesColors }

  /// - Throws: what cannot be, in the words of `transform_param`.
  func check(_ settings: TransformSettings) throws {
    guard leastArea > 0, leastArea <= 1 else {
      throw CaffeError("resized_crop must be above 0 and at most 1, got \(leastArea)")
    }
    guard (0...180).contains(degrees) else {
      throw CaffeError("rotation must be in 0...180 degrees, got \(degrees)")
    }
    for (name, share) in [
      ("brightness", brightness), ("contrast", contrast), ("saturation", saturation),
    ] where !(0...1).contains(share) {
      throw CaffeError("\(name) must be in 0...1, got \(share)")
    }
    guard scalesCrops else { return }
    guard settings.crop != nil else {
      throw CaffeError("resized_crop needs crop_size, or crop_h and crop_w")
    }
    guard settings.mean == nil else {
      throw CaffeError("resized_crop does not go with mean_file; use mean_value")
    }
  }

  /// The picture, changed, in planes of floats.
  ///
  /// - Parameter target: the extents to scale to; those of the picture if it is only turned.
  func apply<Pixel: PixelValue>(
    to source: PixelSource<Pixel>, _ extents: DataTransformer.Extents,
    scaledTo target: DataTransformer.Extents, _ draw: TransformDraw
  ) -> (picture: [Float], extents: DataTransformer.Extents) {
    var picture: [Float]
    let size = moves ? target : extents
    if moves {
      picture = PictureSampler(source, extents).sample(part(of: extents, draw), size)
    } else {
      picture = source.planes(extents)
    }
    if changesColors { changeColors(&picture, size, draw, limits: Pixel.range) }
    return (picture, size)
  }

  /// The part of the picture that the draw takes.
  private func part(
    of extents: DataTransformer.Extents, _ draw: TransformDraw
  ) -> PicturePart {
    let (height, width) = (Float(extents.height), Float(extents.width))
    let share = draw.number(.area, in: leastArea...1).squareRoot()
    // The square root of the sides' ratio.
    let aspect = scalesCrops ? powf(4 / 3, draw.number(.aspect, in: -0.5...0.5)) : 1
    let (rows, columns) = (min(height, height * share / aspect), min(width, width * share * aspect))
    return PicturePart(
      top: draw.number(.partRow, in: 0...(height - rows)),
      left: draw.number(.partColumn, in: 0...(width - columns)), height: rows, width: columns,
      degrees: draw.number(.angle, in: -degrees...degrees))
  }

  private func changeColors(
    _ picture: inout [Float], _ extents: DataTransformer.Extents, _ draw: TransformDraw,
    limits: ClosedRange<Float>?
  ) {
    let brighter = 1 + draw.number(.brightness, in: -brightness...brightness)
    let stronger = 1 + draw.number(.contrast, in: -contrast...contrast)
    let richer = 1 + draw.number(.saturation, in: -saturation...saturation)
    let mean = picture.reduce(0, +) / Float(picture.count) * brighter
    for index in picture.indices {
      picture[index] = mean + (picture[index] * brighter - mean) * stronger
    }
    let area = extents.height * extents.width
    if extents.channels == 3 {
      for pixel in 0..<area {
        let (blue, green, red) = (
          picture[pixel], picture[area + pixel], picture[2 * area + pixel]
        )
        let gray = 0.114 * blue + 0.587 * green + 0.299 * red
        for channel in 0..<3 {
          let index = channel * area + pixel
          picture[index] = gray + (picture[index] - gray) * richer
        }
      }
    }
    guard let limits else { return }
    for index in picture.indices {
      picture[index] = max(limits.lowerBound, min(limits.upperBound, picture[index]))
    }
  }

  /// Sets a square of the finished item to 0.
  func cutOut(
    of item: UnsafeMutableBufferPointer<Float>, _ extents: DataTransformer.Extents,
    _ draw: TransformDraw
  ) {
    guard cutout > 0 else { return }
    let top = draw.number(.cutoutRow, below: extents.height) - cutout / 2
    let left = draw.number(.cutoutColumn, below: extents.width) - cutout / 2
    let rows = max(0, top)..<min(extents.height, top + cutout)
    let columns = max(0, left)..<min(extents.width, left + cutout)
    for channel in 0..<extents.channels {
      for row in rows {
        for column in columns {
          item[(channel * extents.height + row) * extents.width + column] = 0
        }
      }
    }
  }
}
