import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// One step of long short-term memory, without weights: c = cont · f · c₋₁ + i · g, h = o · tanh c, with
/// i, f, o = σ and g = tanh of the gates.
///
/// - Bottoms: the cells c₋₁ `[1, n, h]`, the gates `[1, n, 4h]` in the order i, f, o, g, and cont `[1, n]`:
///   0 where a sequence begins, else 1. Tops: c and h, both `[1, n, h]`.
///
/// For whole sequences use LSTM.
///
/// Source: BVLC Caffe, `lstm_unit_layer.cpp`.
final class LSTMUnitLayer: Layer {
  static let kind = LayerKind(
    "LSTMUnit", bottoms: .exactly(3), tops: .exactly(2), outputUse: LayerKind.always(.values),
    labels: [2],
    documentation: LayerDocumentation(
      "One step of long short-term memory, without weights",
      formula: "c = cont f c' + i g, h = o tanh c; i, f, o = sigmoid and g = tanh of the gates",
      source: "lstm_unit_layer.cpp")
  ) { try LSTMUnitLayer($0, context: $1) }

  /// For the gradients that are computed but not wanted.
  private let unwanted = Tensor([0])

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let (cells, gates, cont) = (bottoms[0], bottoms[1], bottoms[2])
    guard cells.axes == 3, cells[0] == 1 else {
      throw CaffeError("the first bottom must hold one step of cells, 1 x n x h, got \(cells)")
    }
    guard gates.dimensions == [1, cells[1], 4 * cells[2]] else {
      throw CaffeError(
        "the second bottom must hold 4 gates for each cell, 1 \(cells[1]) \(4 * cells[2]), got \(gates)"
      )
    }
    guard cont.dimensions == [1, cells[1]] else {
      throw CaffeError(
        "the third bottom must hold one number for each stream, 1 \(cells[1]), got \(cont)")
    }
    return [cells, cells]
  }

  override func reshape() throws { unwanted.reshape(bottom[1].shape) }

  private var kernel: LSTMUnitKernel {
    LSTMUnitKernel(batch: bottom[0].shape[1], hidden: bottom[0].shape[2])
  }

  override func forward() throws {
    kernel.forward(
      previousCell: bottom[0].data.read(), gates: bottom[1].data.read(),
      continuing: bottom[2].data.read(), cell: top[0].data.overwrite(),
      hidden: top[1].data.overwrite())
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] || propagateDown[1] else { return }
    let targets = (0...1).map { index in
      (propagateDown[index] ? bottom[index].diff : unwanted).overwrite()
    }
    kernel.backward(
      cellGradient: top[0].diff.read(), hiddenGradient: top[1].diff.read(),
      previousCell: bottom[0].data.read(), gates: bottom[1].data.read(),
      continuing: bottom[2].data.read(), cell: top[0].data.read(),
      previousCellGradient: targets[0], gatesGradient: targets[1])
  }
}
