import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// A fully connected layer: each output is a weighted sum of all inputs.
///
/// - Bottom: `[outer…, inner…]`, split at `axis`; top: `[outer…, num_output]`,
///   y = x·Wᵀ + b with x as `[∏outer, ∏inner]`.
/// - Learns: W `[num_output, ∏inner]` (`transpose: true`: `[∏inner, num_output]`) and, unless
///   `bias_term: false`, b `[num_output]`.
///
/// Source: BVLC Caffe, `inner_product_layer.cpp`.
final class InnerProductLayer: Layer {
  static let kind = LayerKind(
    "InnerProduct", bottoms: .exactly(1), tops: .exactly(1),
    documentation: LayerDocumentation(
      "A fully connected layer: each output is a weighted sum of all inputs",
      formula: "y = x W^T + b", parameterFields: ["inner_product_param"],
      source: "inner_product_layer.cpp")
  ) { try InnerProductLayer($0, context: $1) }

  private let outputs: Int
  private let hasBias: Bool
  private let axis: Int
  private let isTransposed: Bool

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let product = parameter.innerProductParam
    guard product.numOutput > 0 else {
      throw CaffeError("num_output must be positive, got \(product.numOutput)")
    }
    outputs = product.numOutput
    hasBias = product.biasTerm
    axis = product.axis
    isTransposed = product.transpose
    try super.init(parameter, context: context)
  }

  override func parameterDeclarations(for bottoms: [Shape]) throws -> [ParameterDeclaration] {
    let inputs = bottoms[0].count(from: try bottoms[0].axis(axis))
    let product = parameter.innerProductParam
    let weights = ParameterDeclaration(
      shape: try Shape(isTransposed ? [inputs, outputs] : [outputs, inputs]),
      filler: product.weightFiller)
    guard hasBias else { return [weights] }
    return [
      weights, ParameterDeclaration(shape: try Shape([outputs]), filler: product.biasFiller),
    ]
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let axis = try bottoms[0].axis(axis)
    if let weights = parameters.first {
      let (inputs, wanted) = (bottoms[0].count(from: axis), weights.count / outputs)
      guard inputs == wanted else {
        throw CaffeError(
          "Input size incompatible with inner product parameters: \(inputs) values, the weights take \(wanted)"
        )
      }
    }
    return [try Shape(bottoms[0].dimensions[..<axis] + [outputs])]
  }

  override func multiplyAdds(for bottoms: [Shape]) throws -> Int { bottoms[0].count * outputs }

  override func forward() throws {
    let (rows, inputs) = extents
    let output = top[0].data.overwrite()
    Gemm.multiply(
      Gemm.Operand(bottom[0].data.read(), stride: inputs),
      weights(transposed: !isTransposed), rows: rows, columns: outputs, inner: inputs,
      into: output)
    if hasBias {
      ChannelKernel.add(
        output, bias: parameters[1].data.read(),
        over: ChannelExtents(outer: rows, channels: outputs),
        into: output)
    }
  }

  override func backward(propagateDown: [Bool]) throws {
    let (rows, inputs) = extents
    let gradient = top[0].diff.read()
    if learns[0] {
      let input = bottom[0].data.read()
      let target = parameters[0].diff.update()
      if isTransposed {
        Gemm.multiply(
          Gemm.Operand(input, stride: inputs, transposed: true),
          Gemm.Operand(gradient, stride: outputs), rows: inputs, columns: outputs, inner: rows,
          beta: 1, into: target)
      } else {
        Gemm.multiply(
          Gemm.Operand(gradient, stride: outputs, transposed: true),
          Gemm.Operand(input, stride: inputs), rows: outputs, columns: inputs, inner: rows,
          beta: 1, into: target)
      }
    }
    if hasBias && learns[1] {
      ChannelKernel.addSums(
        gradient, over: ChannelExtents(outer: rows, channels: outputs),
        into: parameters[1].diff.update())
    }
    if propagateDown[0] {
      Gemm.multiply(
        Gemm.Operand(gradient, stride: outputs), weights(transposed: isTransposed), rows: rows,
        columns: inputs, inner: outputs, into: bottom[0].diff.overwrite())
    }
  }

  /// Rows of the product and values summed for each of its elements.
  private var extents: (rows: Int, inputs: Int) {
    let inputs = parameters[0].count / outputs
    return (top[0].count / outputs, inputs)
  }

  private func weights(transposed: Bool) -> Gemm.Operand {
    Gemm.Operand(
      parameters[0].data.read(), stride: parameters[0].shape[1], transposed: transposed)
  }
}
