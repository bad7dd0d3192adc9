import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Repeats its bottom `tiles` times along `axis`.
///
/// - Bottom: any shape; top: the same with `tiles` times the extent on `axis`.
///
/// Source: BVLC Caffe, `tile_layer.cpp`.
final class TileLayer: Layer {
  static let kind = LayerKind(
    "Tile", bottoms: .exactly(1), tops: .exactly(1),
    documentation: LayerDocumentation(
      "Repeats its bottom tiles times along axis", parameterFields: ["tile_param"],
      source: "tile_layer.cpp")
  ) { try TileLayer($0, context: $1) }

  private let tiles: Int

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let tile = parameter.tileParam
    guard tile.hasTiles else { throw CaffeError("tiles is missing") }
    guard tile.tiles > 0 else { throw CaffeError("tiles must be positive, got \(tile.tiles)") }
    tiles = tile.tiles
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let axis = try bottoms[0].axis(parameter.tileParam.axis)
    var dimensions = bottoms[0].dimensions
    dimensions[axis] *= tiles  // both below 2³¹
    return [try Shape(dimensions)]
  }

  /// Rows of the bottom before `axis`, and values of each.
  private func extents() throws -> (rows: Int, extent: Int) {
    let axis = try bottom[0].shape.axis(parameter.tileParam.axis)
    return (bottom[0].shape.count(before: axis), bottom[0].shape.count(from: axis))
  }

  override func forward() throws {
    let (rows, extent) = try extents()
    Blocks.copy(
      bottom[0].data.read(), strides: [extent, 0, 1], extents: [rows, tiles, extent],
      into: top[0].data.overwrite(), strides: [tiles * extent, extent, 1])
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let (rows, extent) = try extents()
    let gradient = top[0].diff.read()
    let target = bottom[0].diff.overwrite()
    for tile in 0..<tiles {
      Blocks.copyRows(
        gradient + tile * extent, stride: tiles * extent, rows: rows, extent: extent,
        adding: tile > 0, into: target, stride: extent)
    }
  }
}
