import Glibc

/// Takes a part of a picture, turned and scaled, by bilinear interpolation.
struct PictureSampler<Pixel: PixelValue> {
  private let planes: [Float]
  private let extents: DataTransformer.Extents

  init(_ source: PixelSource<Pixel>, _ extents: DataTransformer.Extents) {
    planes = source.planes(extents)
    self.extents = extents
  }

  /// The part, scaled to `target`, in planes. Beyond the picture its edge goes on.
  ///
  /// Target pixel `x` looks at `left + (x + ½)·(width / target width) − ½` before the turn about the
  /// part's middle.
  func sample(_ part: PicturePart, _ target: DataTransformer.Extents) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(target.count)
    let angle = part.degrees * .pi / 180
    let (cosine, sine) = (cosf(angle), sinf(angle))
    let (middleRow, middleColumn) = (
      part.top + part.height / 2 - 0.5, part.left + part.width / 2 - 0.5
    )
    for channel in 0..<target.channels {
      for y in 0..<target.height {
        let row = ((Float(y) + 0.5) / Float(target.height) - 0.5) * part.height
        for x in 0..<target.width {
          let column = ((Float(x) + 0.5) / Float(target.width) - 0.5) * part.width
          result.append(
            value(
              channel, row: middleRow + row * cosine + column * sine,
              column: middleColumn + column * cosine - row * sine))
        }
      }
    }
    return result
  }

  private func value(_ channel: Int, row: Float, column: Float) -> Float {
    let row = max(0, min(Float(extents.height - 1), row))
    let column = max(0, min(Float(extents.width - 1), column))
    let (y, x) = (Int(row), Int(column))
    let (down, right) = (row - Float(y), column - Float(x))
    let (nextY, nextX) = (min(y + 1, extents.height - 1), min(x + 1, extents.width - 1))
    let plane = channel * extents.height
    func at(_ y: Int, _ x: Int) -> Float { planes[(plane + y) * extents.width + x] }
    let above = at(y, x) * (1 - right) + at(y, nextX) * right
    let below = at(nextY, x) * (1 - right) + at(nextY, nextX) * right
    return above * (1 - down) + below * down
  }
}

/// A part of a picture, in pixels, and its turn.
struct PicturePart: Equatable {
  var top: Float
  var left: Float
  var height: Float
  var width: Float
  var degrees: Float
}

extension PixelSource {
  /// All values channel by channel, each row by row.
  func planes(_ extents: DataTransformer.Extents) -> [Float] {
    var planes: [Float] = []
    planes.reserveCapacity(extents.count)
    for channel in 0..<extents.channels {
      for row in 0..<extents.height {
        let pixels = line(channel: channel, row: row, column: 0)
        for column in 0..<extents.width { planes.append(pixels[column * step].float) }
      }
    }
    return planes
  }
}
