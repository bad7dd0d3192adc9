import CaffeKernelsC

/// Bottom and top of a convolution whose windows are single cells, as a product of matrices reads and
/// writes them.
struct PointwiseBlobs {
  let input: CellRows
  let output: CellRows

  /// - Returns: `nil` for other convolutions.
  init?(_ geometry: ConvolutionGeometry) throws {
    let g = geometry
    guard g.taps == 1, g.pad.allSatisfy({ $0 == 0 }), g.groups == 1, g.input.count == 2 else {
      return nil
    }
    let cells = ck_cells(
      items: g.batch, height: g.input[0], width: g.input[1], channels: g.inputChannels,
      step_y: g.stride[0], step_x: g.stride[1])
    input = CellRows(
      layout: try .channelsLast([g.batch, g.inputChannels] + g.input),
      cells: g.isPointwise ? nil : cells)
    output = CellRows(
      layout: try .channelsLast([g.batch, g.outputChannels] + g.output), cells: nil)
  }
}
