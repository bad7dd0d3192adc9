import CaffeKernelsC

/// One time step of an LSTM on `batch` sequences.
///
/// `gates` holds the gates' inputs `[batch, 4, hidden]` in the order input, forget, output, new;
/// `continuing[n]` is 0 where sequence n starts, and 1 else. cell = f·previous + i·g,
/// hidden = o·tanh(cell), with i, f, o the sigmoids (f times `continuing`) and g the tanh.
package struct LSTMUnitKernel: Hashable, Sendable {
  package let batch: Int
  package let hidden: Int

  package init(batch: Int, hidden: Int) {
    self.batch = batch
    self.hidden = hidden
  }

  package func forward(
    previousCell: UnsafePointer<Float>, gates: UnsafePointer<Float>,
    continuing: UnsafePointer<Float>, cell: UnsafeMutablePointer<Float>,
    hidden state: UnsafeMutablePointer<Float>
  ) {
    ck_lstm_unit(previousCell, gates, continuing, batch, hidden, cell, state)
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
    ck_lstm_unit_backward(
      cellGradient, hiddenGradient, previousCell, gates, continuing, cell, batch, hidden,
      previousCellGradient, gatesGradient)
  }
}
