import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// A simple recurrent net over whole sequences:
/// h_t = tanh(W_xh·x_t + b_h (+ W_xh_static·x_static) + W_hh·(cont_t · h_t₋₁)), o_t = tanh(W_ho·h_t + b_o).
///
/// - Bottoms: x `[t, n, …]`; cont `[t, n]`, 0 where a sequence begins, else 1; optionally a static input
///   `[n, …]`; with `expose_hidden` h before the first step, `[1, n, num_output]`. Tops: o
///   `[t, n, num_output]`; with `expose_hidden` h after the last step.
/// - Learns: W_xh `[num_output, …]`, b_h, (W_xh_static), W_hh, W_ho `[num_output, num_output]`, b_o.
///
/// State from pass to pass: see `RecurrentLayer`. Unlike Caffe, exposed states carry gradients, both
/// from the top and to the bottom.
///
/// Source: BVLC Caffe, `rnn_layer.cpp`, `recurrent_layer.cpp`.
final class RNNLayer: RecurrentLayer {
  static let kind = LayerKind(
    "RNN", bottoms: .between(2, 4), tops: .between(1, 2),
    outputUse: LayerKind.always(.values), labels: [1],
    documentation: LayerDocumentation(
      "A simple recurrent net over whole sequences",
      formula: "h[t] = tanh(W x[t] + b + W_h cont h[t-1]), o[t] = tanh(W_o h[t] + b_o)",
      parameterFields: ["recurrent_param"], source: "rnn_layer.cpp")
  ) { try RNNLayer($0, context: $1) }

  private let hidden = Tensor([0])
  /// Gradients of `hidden` and of the outputs before their tanh.
  private let hiddenGradients = Tensor([0])
  private let outputGradients = Tensor([0])
  private var outputProduct: (any InnerProductOperation)?

  init(_ parameter: LayerParameter, context: LayerContext) throws {
    try super.init(parameter, context: context, states: 1, sumsPerUnit: 1)
  }

  private var outputWeights: Int { recurrentWeights + 1 }

  override func parameterDeclarations(for bottoms: [Shape]) throws -> [ParameterDeclaration] {
    let recurrent = parameter.recurrentParam
    return try super.parameterDeclarations(for: bottoms) + [
      ParameterDeclaration(shape: try Shape([units, units]), filler: recurrent.weightFiller),
      ParameterDeclaration(shape: try Shape([units]), filler: recurrent.biasFiller),
    ]
  }

  override var states: [Tensor] { [hidden] }

  override func reshape() throws {
    try super.reshape()
    for tensor in [hidden, hiddenGradients, outputGradients] { tensor.reshape(top[0].shape) }
    outputProduct = try innerProduct(
      rows: extents.positions, weights: parameters[outputWeights], hasBias: true,
      gradients: wantedGradients.isEmpty ? [] : [.input, .weights])
  }

  override func advance(_ step: RecurrentStep) {
    ColumnKernel.tanh(step.sums, step.columns, into: step.after(0))
  }

  override func finishForward() {
    outputProduct?.forward(
      hidden, weights: parameters[outputWeights].data, bias: parameters[outputWeights + 1].data,
      into: top[0].data)
    let output = top[0].data.update()
    TanHKernel.forward(output, count: top[0].count, into: output)
  }

  override func startBackward() -> UnsafePointer<Float> {
    TanHKernel.backward(
      top[0].diff.read(), output: top[0].data.read(), count: top[0].count,
      into: outputGradients.overwrite())
    addGradients(
      outputProduct, hidden, outputGradients, weights: outputWeights, bias: outputWeights + 1)
    outputProduct?.backwardData(
      outputGradients, weights: parameters[outputWeights].data, into: hiddenGradients)
    return hiddenGradients.read()
  }

  override func retreat(
    _ step: RecurrentStep, gradients: [UnsafeMutablePointer<Float>],
    into sumGradients: UnsafeMutablePointer<Float>
  ) {
    ColumnKernel.tanhBackward(
      gradients[0], output: step.after(0), step.columns, into: sumGradients)
  }
}
