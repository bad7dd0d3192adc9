import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// The softmax loss with a say of every class: −Σ_c H[label, c] · ln p[c] / normaliser, p the softmax
/// of the scores. With H the identity it is SoftmaxWithLoss.
///
/// - Bottoms: scores with the c classes on `axis`, a label in `0..<c` for each other position, and
///   optionally H, c × c values, which otherwise comes from the BlobProto file `source`. Tops: the
///   loss, a scalar, and optionally the probabilities.
/// - `loss_param` as for SoftmaxWithLoss (VALID unless set), but without the old `normalize`.
///
/// A probability is taken as at least 1e-20. H gets no gradient.
///
/// Source: BVLC Caffe, `infogain_loss_layer.cpp`.
final class InfogainLossLayer: Layer {
  static let kind = LayerKind(
    "InfogainLoss", bottoms: .between(2, 3), tops: .between(1, 2),
    outputUse: LayerKind.always(.values), isLoss: true, automaticTops: 1,
    labels: [1, 2],
    documentation: LayerDocumentation(
      "Softmax loss weighted by a matrix H of what each class is worth for each label",
      formula: "loss = -sum(H[label, c] ln(max(p[c], 1e-20))) / normaliser, p = softmax(x)",
      parameterFields: ["infogain_loss_param", "loss_param"], source: "infogain_loss_layer.cpp")
  ) { try InfogainLossLayer($0, context: $1) }

  private let normalization: LossNormalization
  private let axis: Int
  /// H from the file, unless it is a bottom.
  private let matrix: [Float]?
  private let probability = Tensor([0])
  private var divisor: Float = 1

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    guard !parameter.lossParam.hasNormalize else {
      throw CaffeError("normalize is deprecated. use \"normalization\"")
    }
    normalization = LossNormalization(parameter.lossParam)
    axis = parameter.infogainLossParam.axis
    matrix =
      parameter.bottom.count > 2
      ? nil : try InfogainLossLayer.readMatrix(parameter.infogainLossParam, context: context)
    try super.init(parameter, context: context)
  }

  private static func readMatrix(
    _ parameter: InfogainLossParameter, context: LayerContext
  ) throws -> [Float] {
    guard parameter.hasSource else {
      throw CaffeError("Infogain matrix source must be specified, or be a third bottom.")
    }
    return try withPlace("infogain_loss_param.source") {
      try BlobProto(contentsOfBinaryFile: context.resolve(parameter.source)).values
    }
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let extents = try SoftmaxExtents(bottoms[0], axis: axis)
    try LabelCheck.count(
      bottoms[1].count, positions: extents.labelCount, scores: "\(bottoms[0])")
    let (entries, classes) = (matrix?.count ?? bottoms[2].count, extents.channels)
    guard entries == classes * classes else {
      throw CaffeError(
        "the infogain matrix must have \(classes) x \(classes) values, one for each pair of classes, got \(entries)"
      )
    }
    return parameter.top.count > 1 ? [[], bottoms[0]] : [[]]
  }

  override func reshape() throws {
    probability.reshape(bottom[0].shape)
    if top.count > 1 { top[1].data.share(probability) }
  }

  override func forward() throws {
    let extents = try SoftmaxExtents(bottom[0].shape, axis: axis)
    try extents.check(bottom[1], ignoring: normalization.ignored)
    let target = probability.overwrite()
    SoftmaxKernel.forward(bottom[0].data.read(), extents, into: target)
    let (loss, counted) = withMatrix { matrix in
      InfogainKernel.forward(
        target, labels: bottom[1].data.read(), infogain: matrix, extents,
        floor: LossShapes.smallestProbability, ignoring: normalization.ignored)
    }
    divisor = normalization.divisor(outer: extents.outer, inner: extents.inner, counted: counted)
    top[0].data.values = [Float(loss / Double(divisor))]
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    let extents = try SoftmaxExtents(bottom[0].shape, axis: axis)
    withMatrix { matrix in
      InfogainKernel.backward(
        probability.read(), labels: bottom[1].data.read(), infogain: matrix, extents,
        factor: top[0].diff.values[0] / divisor, ignoring: normalization.ignored,
        into: bottom[0].diff.overwrite())
    }
  }

  private func withMatrix<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
    guard let matrix else { return body(bottom[2].data.read()) }
    return matrix.withUnsafeBufferPointer { values in
      guard let start = values.baseAddress else { preconditionFailure("a matrix has values") }
      return body(start)
    }
  }
}
