import CaffeKernelsC

/// One time step of an LSTM on `batch` sequences, for some of `hidden` units.
///
/// `gates` holds the gates' inputs `[batch, 4, hidden]` in the order input, forget, output, new;
/// `continuing[n]` is 0 where sequence n starts, and 1 else. cell = f·previous + i·g,
/// hidden = o·tanh(cell), with i, f, o the sigmoids (f times `continuing`) and g the tanh.
package struct LSTMUnitKernel: Sendable {
  private let columns: MatrixColumns

  /// - Parameter columns: of `[batch, hidden]`, those of the units whose states or gradients to write.
  package init(_ columns: MatrixColumns) { self.columns = columns }

  package init(batch: Int, hidden: Int) { self.init(MatrixColumns(rows: batch, width: hidden)) }

  package func forward(
    previousCell: UnsafePointer<Float>, gates: UnsafePointer<Float>,
    continuing: UnsafePointer<Float>, cell: UnsafeMutablePointer<Float>,
    hidden state: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: columns.raw) {
      ck_lstm_unit($0, previousCell, gates, continuing, cell, state)
    }
  }

  /// Overwrites the gradients of the previous cell and of the gates' inputs; `previousCellGradient`
  /// may be `cellGradient`.
  package func backward(
    cellGradient: UnsafePointer<Float>, hiddenGradient: UnsafePointer<Float>,
    previousCell: UnsafePointer<Float>, gates: UnsafePointer<Float>,
    continuing: UnsafePointer<Float>, cell: UnsafePointer<Float>,
    previousCellGradient: UnsafeMutablePointer<Float>,
    gatesGradient: UnsafeMutablePointer<Float>
  ) {
    withUnsafePointer(to: columns.raw) {
      ck_lstm_unit_backward(
        $0, cellGradient, hiddenGradient, previousCell, gates, continuing, cell,
        previousCellGradient, gatesGradient)
    }
  }
}
