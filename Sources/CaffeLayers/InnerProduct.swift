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
  private var operation: (any InnerProductOperation)?

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

  override func reshape() throws {
    let (rows, inputs) = (top[0].count / outputs, parameters[0].count / outputs)
    takeWeightsBack(from: operation)
    operation = try choose(named: nil) {
      let product = try context.oneDNNInnerProduct(
        rows: rows, inputs: inputs, outputs: outputs, hasBias: hasBias,
        isTransposed: isTransposed, gradients: wantedGradients)
      engine.implementation = product.implementation
      return product.operation
    } caffe: {
      CaffeInnerProductOperation(
        rows: rows, inputs: inputs, outputs: outputs, isTransposed: isTransposed,
        precision: context.precision)
    }
  }

  override func leaveParameters() {
    let weights = parameters[0].data
    if mayLetParametersGo, !weights.isGone { operation?.takeOver(weights) }
  }

  override func forward() throws {
    guard let operation else { return }
    leaveParameters()
    operation.forward(
      bottom[0].data, weights: parameters[0].data, bias: hasBias ? parameters[1].data : nil,
      into: top[0].data)
  }

  override func backward(propagateDown: [Bool]) throws {
    if learns.contains(true) {
      operation?.backwardWeights(
        bottom[0].data, outputGradient: top[0].diff, addingTo: learns[0] ? parameters[0].diff : nil,
        bias: hasBias && learns[1] ? parameters[1].diff : nil)
    }
    if propagateDown[0] {
      operation?.backwardData(top[0].diff, weights: parameters[0].data, into: bottom[0].diff)
    }
  }
}
