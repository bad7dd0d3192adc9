import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Long short-term memory over whole sequences (Hochreiter & Schmidhuber 1997; Donahue et al. 2015):
/// gates i, f, o, g of W_xc·x_t + b_c (+ W_xc_static·x_static) + W_hc·(cont_t · h_t₋₁), then
/// c_t = cont_t · f · c_t₋₁ + i · g and h_t = o · tanh c_t, with i, f, o = σ and g = tanh.
///
/// - Bottoms: x `[t, n, …]`; cont `[t, n]`, 0 where a sequence begins, else 1; optionally a static input
///   `[n, …]`; with `expose_hidden` h and c before the first step, `[1, n, num_output]`. Tops: h
///   `[t, n, num_output]`; with `expose_hidden` h and c after the last step.
/// - Learns: W_xc `[4·num_output, …]`, b_c `[4·num_output]`, (W_xc_static), W_hc `[4·num_output, num_output]`;
///   rows in the order i, f, o, g.
///
/// State from pass to pass: see `RecurrentLayer`. Unlike Caffe, exposed states carry gradients, both
/// from the tops and to the bottoms.
///
/// Source: BVLC Caffe, `lstm_layer.cpp`, `recurrent_layer.cpp`.
final class LSTMLayer: RecurrentLayer {
  static let kind = LayerKind(
    "LSTM", bottoms: .between(2, 5), tops: .between(1, 3),
    outputUse: LayerKind.always(.values), labels: [1],
    documentation: LayerDocumentation(
      "Long short-term memory over whole sequences",
      formula:
        "c[t] = cont f c[t-1] + i g, h[t] = o tanh c[t]; gates i, f, o, g of W x[t] + b + W_h cont h[t-1]",
      parameterFields: ["recurrent_param"], source: "lstm_layer.cpp")
  ) { try LSTMLayer($0, context: $1) }

  private let cells = Tensor([0])

  init(_ parameter: LayerParameter, context: LayerContext) throws {
    try super.init(parameter, context: context, states: 2, sumsPerUnit: 4)
  }

  override var states: [Tensor] { [top[0].data, cells] }

  override func reshape() throws {
    try super.reshape()
    cells.reshape(top[0].shape)
  }

  override func advance(_ step: RecurrentStep) {
    LSTMUnitKernel(step.columns).forward(
      previousCell: step.before(1), gates: step.sums, continuing: step.continuing,
      cell: step.after(1), hidden: step.after(0))
  }

  override func startBackward() -> UnsafePointer<Float> { top[0].diff.read() }

  override func retreat(
    _ step: RecurrentStep, gradients: [UnsafeMutablePointer<Float>],
    into sumGradients: UnsafeMutablePointer<Float>
  ) {
    LSTMUnitKernel(step.columns).backward(
      cellGradient: gradients[1], hiddenGradient: gradients[0], previousCell: step.before(1),
      gates: step.sums, continuing: step.continuing, cell: step.after(1),
      previousCellGradient: gradients[1], gatesGradient: sumGradients)
  }
}
