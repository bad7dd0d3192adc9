import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Combines its bottoms element by element: SUM (with one `coeff` for each bottom, or all 1), PROD
/// or MAX.
///
/// - Bottoms: two or more of one shape; top: that shape.
///
/// Of equal maxima the later of the first two bottoms gets the gradient, then the earliest, as in
/// Caffe. `stable_prod_grad: false` divides in the gradient of PROD, which is quicker and undefined
/// where a bottom is 0.
///
/// Source: BVLC Caffe, `eltwise_layer.cpp`.
final class EltwiseLayer: Layer {
  static let kind = LayerKind(
    "Eltwise", bottoms: .atLeast(2), tops: .exactly(1), takesReLUsBehind: true,
    outputUse: EltwiseLayer.outputUse, gradientReadsBottoms: EltwiseLayer.gradientReadsBottoms,
    documentation: LayerDocumentation(
      "Combines bottoms of one shape element by element",
      formula: "y = sum(coeff[i] x[i]), prod(x[i]) or max(x[i])",
      parameterFields: ["eltwise_param"], source: "eltwise_layer.cpp")
  ) { try EltwiseLayer($0, context: $1) }

  @Sendable private static func outputUse(_ parameter: LayerParameter) -> LayerKind.OutputUse {
    parameter.eltwiseParam.operation == .prod ? .values : .nothing
  }

  @Sendable private static func gradientReadsBottoms(_ parameter: LayerParameter) -> Bool {
    parameter.eltwiseParam.operation == .prod
  }

  private let operation: EltwiseParameter.EltwiseOp
  private let coefficients: [Float]
  private let dividesInGradient: Bool
  /// For each element, the bottom its maximum came from.
  private var origins: [Int32] = []
  /// A ReLU without slope behind the sum of two bottoms is fused.
  private var isRectified = false
  /// The sum of two bottoms of which one is normalised in the same pass.
  private var normalizedSum: NormalizedSum?

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let eltwise = parameter.eltwiseParam
    operation = eltwise.operation
    let bottoms = parameter.bottom.count
    guard eltwise.coeff.isEmpty || eltwise.coeff.count == bottoms else {
      throw CaffeError(
        "Eltwise Layer takes one coefficient per bottom blob: \(eltwise.coeff.count) given, \(bottoms) bottoms"
      )
    }
    guard eltwise.coeff.isEmpty || operation == .sum else {
      throw CaffeError("Eltwise layer only takes coefficients for summation.")
    }
    coefficients = eltwise.coeff.isEmpty ? Array(repeating: 1, count: bottoms) : eltwise.coeff
    dividesInGradient = !eltwise.stableProdGrad
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    for (index, shape) in bottoms.enumerated() where shape != bottoms[0] {
      throw CaffeError(
        "all bottoms must have one shape: bottom 0 has \(bottoms[0]), bottom \(index) \(shape)")
    }
    return [bottoms[0]]
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool { true }

  /// Whether it adds two bottoms as they are.
  var addsTwo: Bool { operation == .sum && coefficients == [1, 1] }

  var reluBehind: ReLULayer? { followers.first as? ReLULayer }

  override func reshape() throws {
    if let host = host(of: .forward) {
      if let reluBehind { fuse(.forward, of: reluBehind) }
      top[0].data.announce(host.top[0].data.layout)
      return
    }
    origins = operation == .max ? Array(repeating: 0, count: bottom[0].count) : []
    fuseNeighbours()
    let order = normalizedSum?.order ?? bottom[0].data.layout
    top[0].data.announce(operation == .max ? nil : order)
  }

  private func fuseNeighbours() {
    (isRectified, normalizedSum) = (false, nil)
    guard addsTwo else { return }
    if let relu = reluBehind, relu.slope == 0 {
      isRectified = true
      fuse([.forward, .backward], of: relu)
    }
    if followers.count <= (isRectified ? 1 : 0) {
      normalizedSum = NormalizedSum(of: self, isRectified: isRectified)
    }
  }

  override func forward() throws {
    if let normalizedSum {
      normalizedSum.forward()
      return
    }
    // Zero padding stays zero under all three operations, so any common order will do.
    let order = bottom[0].data.layout
    let count = bottom[0].data.extent(in: operation == .max ? nil : order)
    switch operation {
    case .sum where isRectified:
      let (a, b) = (bottom[0].data.read(in: order), bottom[1].data.read(in: order))
      EltwiseKernel.rectifiedSum(a, b, count: count, into: top[0].data.overwrite(in: order))
    case .sum:
      let inputs = bottom.map { $0.data.read(in: order) }
      EltwiseKernel.sum(
        inputs, coefficients: coefficients, count: count, into: top[0].data.overwrite(in: order))
    case .prod:
      let inputs = bottom.map { $0.data.read(in: order) }
      EltwiseKernel.product(inputs, count: count, into: top[0].data.overwrite(in: order))
    case .max:
      let inputs = bottom.map { $0.data.read() }
      EltwiseKernel.maximum(inputs, count: count, mask: &origins, into: top[0].data.overwrite())
    }
  }

  override func backward(propagateDown: [Bool]) throws {
    if let normalizedSum {
      normalizedSum.backward()
      return
    }
    if isRectified {
      backwardRectified(zip(bottom, propagateDown).filter(\.1).map(\.0.diff))
      return
    }
    for index in bottom.indices where propagateDown[index] {
      switch operation {
      case .sum: backwardSum(index)
      case .prod: backwardProduct(index)
      case .max:
        EltwiseKernel.maximumBackward(
          top[0].diff.read(), mask: origins, index: index, count: bottom[index].count,
          into: bottom[index].diff.overwrite())
      }
    }
  }

  /// The gradient is the same for both bottoms: where the sum was positive, that of the top.
  private func backwardRectified(_ targets: [Tensor]) {
    let order = top[0].diff.layout
    let count = top[0].diff.extent(in: order)
    guard let first = targets.first?.overwrite(in: order) else { return }
    ReLUKernel.backward(
      top[0].diff.read(in: order), input: top[0].data.read(in: order), slope: 0, count: count,
      into: first)
    for other in targets.dropFirst() {
      Vector.copy(first, count: count, into: other.overwrite(in: order))
    }
  }

  private func backwardSum(_ index: Int) {
    let order = top[0].diff.layout
    let gradient = top[0].diff.read(in: order)
    let target = bottom[index].diff.overwrite(in: order)
    Vector.scale(
      gradient, by: coefficients[index], count: bottom[index].diff.extent(in: order), into: target)
  }

  private func backwardProduct(_ index: Int) {
    let gradient = top[0].diff.read()
    let count = bottom[index].count
    if dividesInGradient {
      EltwiseKernel.productBackwardByDivision(
        gradient, output: top[0].data.read(), input: bottom[index].data.read(), count: count,
        into: bottom[index].diff.overwrite())
    } else {
      EltwiseKernel.productBackward(
        gradient, inputs: bottom.map { $0.data.read() }, index: index, count: count,
        into: bottom[index].diff.overwrite())
    }
  }
}
