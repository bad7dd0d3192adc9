import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Batches from arrays that the program hands over.
///
///     let input = net.layer("data") as? MemoryDataLayer
///     try input?.reset(data: pixels, labels: classes)
///
/// - Tops: the data `[batch_size, channels, height, width]` and the labels `[batch_size]`. After the
///   last item it begins again with the first.
///
/// Source: BVLC Caffe, `memory_data_layer.cpp`.
public final class MemoryDataLayer: Layer {
  static let kind = LayerKind(
    "MemoryData", bottoms: .exactly(0), tops: .exactly(2),
    documentation: LayerDocumentation(
      "Batches from arrays that the program hands over", parameterFields: ["memory_data_param"],
      source: "memory_data_layer.cpp")
  ) { try MemoryDataLayer($0, context: $1) }

  private let shape: Shape
  private var data: [Float] = []
  private var labels: [Float] = []
  /// The pass that reads the first batch.
  private var firstPass: UInt64 = 0

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let memory = parameter.memoryDataParam
    shape = try Shape([memory.batchSize, memory.channels, memory.height, memory.width])
    guard shape.count > 0 else {
      throw CaffeError(
        "batch_size, channels, height, and width must be specified and positive in memory_data_param, got \(shape)"
      )
    }
    try super.init(parameter, context: context)
  }

  /// Takes the values of n items, and begins with the first of them in the next forward pass.
  ///
  /// - Parameters:
  ///   - data: n · channels · height · width values, item by item; no transformation is applied.
  ///   - labels: n labels.
  /// - Throws: when n is no positive multiple of `batch_size`, or the arrays do not go together.
  public func reset(data: [Float], labels: [Float]) throws {
    try withPlace(place) {
      guard !labels.isEmpty, labels.count % shape[0] == 0 else {
        throw CaffeError(
          "n must be a positive multiple of batch_size (\(shape[0])), got \(labels.count) labels")
      }
      let size = shape.count(from: 1)
      guard data.count == labels.count * size else {
        throw CaffeError(
          "\(labels.count) items of \(size) values make \(labels.count * size) values, got \(data.count)"
        )
      }
    }
    if parameter.hasTransformParam {
      context.report("\(type) does not transform array data on reset(data:labels:)")
    }
    self.data = data
    self.labels = labels
    firstPass = context.clock.pass
  }

  public override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    [shape, try Shape([shape[0]])]
  }

  public override func forward() throws {
    guard !labels.isEmpty else {
      throw CaffeError("MemoryData has no data yet: call reset(data:labels:) before forward")
    }
    let first = Int(context.clock.pass &- firstPass) &* shape[0] % labels.count
    copy(data, from: first * shape.count(from: 1), into: top[0].data)
    copy(labels, from: first, into: top[1].data)
  }

  private func copy(_ values: [Float], from first: Int, into tensor: Tensor) {
    values.withUnsafeBufferPointer { values in
      guard let start = values.baseAddress else { return }
      Vector.copy(start + first, count: tensor.count, into: tensor.overwrite())
    }
  }

  /// Passes count from the last `reset`; one that comes before it counts from the net's first.
  public override func seek(toPass pass: UInt64) throws {
    if pass < firstPass { firstPass = 0 }
  }
}
