import CaffeCore
import CaffeErrors
import CaffeKernels

/// The three passes of a fully connected layer on one engine, for one batch.
protocol InnerProductOperation: WeightsKeeping {
  /// Overwrites `output`.
  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into output: Tensor)
  /// Overwrites `inputGradient`.
  func backwardData(_ outputGradient: Tensor, weights: Tensor, into inputGradient: Tensor)
  /// Adds to the gradients that are given.
  func backwardWeights(
    _ input: Tensor, outputGradient: Tensor, addingTo weights: Tensor?, bias: Tensor?)
  /// Copies the weights and lets them go part by part, if it will give them back; only where nothing else
  /// needs them.
  func takeOver(_ weights: Tensor)
}

extension InnerProductOperation {
  func takeOver(_ weights: Tensor) {}
}

/// OpenBLAS's matrix products.
struct CaffeInnerProductOperation: InnerProductOperation {
  /// Of the bottom: items, and values of each.
  let rows: Int
  let inputs: Int
  let outputs: Int
  /// The weights lie as `[inputs, outputs]`.
  let isTransposed: Bool
  private let operands: RoundedOperands

  init(rows: Int, inputs: Int, outputs: Int, isTransposed: Bool, precision: Precision) {
    self.rows = rows
    self.inputs = inputs
    self.outputs = outputs
    self.isTransposed = isTransposed
    operands = RoundedOperands(precision)
  }

  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into output: Tensor) {
    let (input, weights) = operands.round(
      (input.read(), rows * inputs), (weights.read(), inputs * outputs))
    let output = output.overwrite()
    Gemm.multiply(
      Gemm.Operand(input, stride: inputs), operand(weights, transposed: !isTransposed), rows: rows,
      columns: outputs, inner: inputs, into: output)
    if let bias {
      ChannelKernel.add(
        output, bias: bias.read(), over: ChannelExtents(outer: rows, channels: outputs),
        into: output)
    }
  }

  func backwardData(_ outputGradient: Tensor, weights: Tensor, into inputGradient: Tensor) {
    let (gradient, weights) = operands.round(
      (outputGradient.read(), rows * outputs), (weights.read(), inputs * outputs))
    Gemm.multiply(
      Gemm.Operand(gradient, stride: outputs), operand(weights, transposed: isTransposed),
      rows: rows, columns: inputs, inner: outputs, into: inputGradient.overwrite())
  }

  func backwardWeights(
    _ input: Tensor, outputGradient: Tensor, addingTo weights: Tensor?, bias: Tensor?
  ) {
    let (input, gradient) = operands.round(
      (input.read(), rows * inputs), (outputGradient.read(), rows * outputs))
    if let weights {
      // [outputs, inputs] = gradientᵀ · input, or the other way round for weights that lie so.
      let (a, b) =
        isTransposed
        ? ((input, inputs), (gradient, outputs)) : ((gradient, outputs), (input, inputs))
      Gemm.multiply(
        Gemm.Operand(a.0, stride: a.1, transposed: true), Gemm.Operand(b.0, stride: b.1),
        rows: a.1, columns: b.1, inner: rows, beta: 1, into: weights.update())
    }
    if let bias {
      ChannelKernel.addSums(
        gradient, over: ChannelExtents(outer: rows, channels: outputs), into: bias.update())
    }
  }

  private func operand(_ weights: UnsafePointer<Float>, transposed: Bool) -> Gemm.Operand {
    Gemm.Operand(weights, stride: isTransposed ? outputs : inputs, transposed: transposed)
  }
}

/// oneDNN's products of float32 matrices, which takes them as they are.
struct OneDNNInnerProductOperation: InnerProductOperation {
  private let outputs: ChannelExtents
  private let isTransposed: Bool
  private let product: OneDNNMatrixProduct
  private let dataProduct: OneDNNMatrixProduct?
  private let weightsProduct: OneDNNMatrixProduct?

  /// - Parameter isTransposed: the weights lie as `[inputs, outputs]`.
  /// - Throws: `EngineRefusal` if oneDNN has no code of its own for one of the products.
  init(
    rows: Int, inputs: Int, outputs: Int, hasBias: Bool, isTransposed: Bool = false,
    gradients: WeightedGradients, scratchpad: Scratchpad
  ) throws {
    self.outputs = ChannelExtents(outer: rows, channels: outputs)
    self.isTransposed = isTransposed
    product = try OneDNNMatrixProduct(
      .rowMajor, isTransposed ? .rowMajor : .columnMajor, rows: rows, columns: outputs,
      inner: inputs, hasBias: hasBias, scratchpad: scratchpad)
    dataProduct =
      gradients.contains(.input)
      ? try OneDNNMatrixProduct(
        .rowMajor, isTransposed ? .columnMajor : .rowMajor, rows: rows, columns: inputs,
        inner: outputs, scratchpad: scratchpad) : nil
    let (first, second) = isTransposed ? (inputs, outputs) : (outputs, inputs)
    weightsProduct =
      gradients.contains(.weights)
      ? try OneDNNMatrixProduct(
        .columnMajor, .rowMajor, rows: first, columns: second, inner: rows, adds: true,
        scratchpad: scratchpad) : nil
  }

  /// oneDNN's name of the forward pass's code.
  var implementation: String { product.implementation }

  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into output: Tensor) {
    product.run(input.read(), weights.read(), bias: bias?.read(), into: output.overwrite())
  }

  func backwardData(_ outputGradient: Tensor, weights: Tensor, into inputGradient: Tensor) {
    dataProduct?.run(outputGradient.read(), weights.read(), into: inputGradient.overwrite())
  }

  func backwardWeights(
    _ input: Tensor, outputGradient: Tensor, addingTo weights: Tensor?, bias: Tensor?
  ) {
    let (input, gradient) = (input.read(), outputGradient.read())
    if let weights {
      let (first, second) = isTransposed ? (input, gradient) : (gradient, input)
      weightsProduct?.add(first, second, to: weights.accumulate())
    }
    if let bias { ChannelKernel.addSums(gradient, over: outputs, into: bias.update()) }
  }
}

/// oneDNN's inner product of bfloat16 values, whose weights it arranges anew as it rounds them.
struct BFloat16InnerProductOperation: InnerProductOperation {
  private let product: OneDNNInnerProduct

  init(_ product: OneDNNInnerProduct) { self.product = product }

  /// oneDNN's name of the forward pass's code.
  var implementation: String { product.forward.implementation }
  var givesWeightsBack: Bool { product.forward.givesWeightsBack }

  func giveBack(_ weights: Tensor) { product.forward.giveBack(weights: weights.overwrite()) }

  func takeOver(_ weights: Tensor) {
    guard product.forward.keepsWeights else { return }
    product.forward.takeOver(weights: weights.read(), revision: weights.revision) {
      weights.letGo($0)
    }
  }

  func forward(_ input: Tensor, weights: Tensor, bias: Tensor?, into output: Tensor) {
    product.forward.run(
      Operand(input.read()), weights: weights.read(), revision: weights.revision,
      bias: bias?.read(), into: output.overwrite())
  }

  func backwardData(_ outputGradient: Tensor, weights: Tensor, into inputGradient: Tensor) {
    product.backwardData?.run(
      Operand(outputGradient.read()), weights: weights.read(), revision: weights.revision,
      into: inputGradient.overwrite())
  }

  func backwardWeights(
    _ input: Tensor, outputGradient: Tensor, addingTo weights: Tensor?, bias: Tensor?
  ) {
    product.backwardWeights?.run(
      Operand(input.read()), outputGradient: Operand(outputGradient.read()),
      into: weights?.accumulate(), biasGradient: bias?.accumulate())
  }
}

extension Layer {
  /// One of a layer's products of an input `[rows, inputs]` with weights `[outputs, inputs]`, on oneDNN
  /// where that is faster.
  func innerProduct(
    rows: Int, weights: Blob, hasBias: Bool = false, gradients: WeightedGradients
  ) throws -> any InnerProductOperation {
    let (outputs, inputs) = (weights.shape[0], weights.shape.count(from: 1))
    if context.engine != .caffe {
      do {
        return try context.oneDNNInnerProduct(
          rows: rows, inputs: inputs, outputs: outputs, hasBias: hasBias, gradients: gradients
        ).operation
      } catch let refusal as EngineRefusal {
        if !engine.refusals.contains("\(refusal)") { engine.refusals.append("\(refusal)") }
      }
    }
    return CaffeInnerProductOperation(
      rows: rows, inputs: inputs, outputs: outputs, isTransposed: false,
      precision: context.precision)
  }
}

extension LayerContext {
  /// oneDNN's product in the net's precision, and oneDNN's name of its code.
  ///
  /// - Throws: `EngineRefusal` if oneDNN has no code of its own for one of the passes.
  func oneDNNInnerProduct(
    rows: Int, inputs: Int, outputs: Int, hasBias: Bool, isTransposed: Bool = false,
    gradients: WeightedGradients
  ) throws -> (operation: any InnerProductOperation, implementation: String) {
    switch precision {
    case .float32:
      let operation = try OneDNNInnerProductOperation(
        rows: rows, inputs: inputs, outputs: outputs, hasBias: hasBias,
        isTransposed: isTransposed, gradients: gradients, scratchpad: scratchpad)
      return (operation, operation.implementation)
    case .bfloat16:
      guard !isTransposed else { throw EngineRefusal("its weights are transposed") }
      let operation = BFloat16InnerProductOperation(
        try OneDNNInnerProduct(
          rows: rows, inputs: inputs, outputs: outputs, hasBias: hasBias, gradients: gradients,
          scratchpad: scratchpad))
      return (operation, operation.implementation)
    }
  }
}
