import CaffeData
import CaffeErrors
import CaffeNet
import CaffeSchema

/// The filters of a convolution side by side.
package struct FilterSheet {
  package let layer: String
  /// As many tiles as there are filters, or channels of filters.
  package let tileCount: Int
  package let image: Image

  /// Filters of one or three channels are a tile each, in gray or colour (blue, green, red, as Caffe
  /// reads images); of others each channel is a gray tile, and a filter is a row.
  ///
  /// - Parameters:
  ///   - layer: `nil` for the first layer with filters.
  ///   - columns: tiles in a row, where a tile is a filter.
  ///   - zoom: how many pixels wide and high a weight is; 0 for about 40 pixels a tile.
  /// - Throws: a layer that is not there or has no filters.
  package init(_ weights: Weights, layer name: String? = nil, columns: Int = 8, zoom: Int = 0)
    throws
  {
    let (layer, blob) = try Self.filters(of: weights, layer: name)
    let extents = blob.extents
    try self.init(
      blob.values, shape: extents, layer: layer, columns: columns, zoom: zoom)
  }

  /// - Parameter shape: `[filters, channels, height, width]`.
  package init(
    _ values: [Float], shape: [Int], layer: String, columns: Int = 8, zoom: Int = 0
  ) throws {
    let isTileEach = [1, 3].contains(shape[1])
    let zoom = zoom > 0 ? zoom : max(1, 40 / max(shape[2], shape[3]))
    tileCount = isTileEach ? shape[0] : shape[0] * shape[1]
    let enlarged = Self.enlarge(values, width: shape[3], by: zoom)
    let extents = DataTransformer.Extents(
      channels: isTileEach ? shape[1] : 1, height: shape[2] * zoom, width: shape[3] * zoom)
    self.layer = layer
    image = try ContactSheet.make(
      enlarged, count: tileCount, extents, columns: isTileEach ? columns : shape[1])
  }

  private static func filters(
    of weights: Weights, layer name: String?
  ) throws -> (layer: String, blob: BlobProto) {
    if let name, !weights.layers.contains(where: { $0.name == name }) {
      let near = NearestName.of(name, among: weights.layers.map(\.name))
      throw CaffeError(
        "the weights have no layer '\(name)'" + (near.map { "; did you mean '\($0)'?" } ?? ""))
    }
    for layer in weights.layers where name == nil || layer.name == name {
      guard let blob = layer.blobs.first ?? nil, blob.extents.count == 4,
        blob.extents[2] * blob.extents[3] > 1, blob.values.count == blob.extents.reduce(1, *)
      else { continue }
      return (layer.name, blob)
    }
    throw CaffeError(
      "\(name.map { "layer '\($0)' has" } ?? "no layer has") filters of height and width")
  }

  /// Each value `zoom` times across and down.
  private static func enlarge(_ values: [Float], width: Int, by zoom: Int) -> [Float] {
    stride(from: 0, to: values.count, by: width).flatMap { row in
      let line = values[row..<row + width].flatMap { Array(repeating: $0, count: zoom) }
      return Array(repeating: line, count: zoom).joined()
    }
  }
}
