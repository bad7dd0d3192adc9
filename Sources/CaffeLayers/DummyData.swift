import CaffeCore
import CaffeErrors
import CaffeSchema

/// Blobs filled by fillers, for tests and timing.
///
/// - Tops: one or more; `shape` (or the old `num`, `channels`, `height`, `width`) and `data_filler`
///   once for all, or once for each; without a filler all zeros. A constant top is filled once, any
///   other anew in every pass.
///
/// Source: BVLC Caffe, `dummy_data_layer.cpp`.
final class DummyDataLayer: Layer {
  static let kind = LayerKind(
    "DummyData", bottoms: .exactly(0), tops: .atLeast(1),
    documentation: LayerDocumentation(
      "Blobs filled by fillers, for tests and timing", parameterFields: ["dummy_data_param"],
      source: "dummy_data_layer.cpp")
  ) { try DummyDataLayer($0, context: $1) }

  private let shapes: [Shape]
  private let fillers: [Filler]
  private let areConstant: [Bool]
  private var isFilled = false

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let dummy = parameter.dummyDataParam
    let tops = parameter.top.count
    shapes = try DummyDataLayer.shapes(dummy, tops: tops)
    let given = dummy.dataFiller
    guard given.count <= 1 || given.count == tops else {
      throw CaffeError(
        "Number of data fillers must be 0, 1 or equal to the number of tops: \(tops); you specified \(given.count) data fillers."
      )
    }
    let settings = (0..<tops).map { top in
      given.isEmpty ? FillerParameter() : given[given.count == 1 ? 0 : top]
    }
    fillers = try zip(settings, shapes).map { try Filler($0, shape: $1) }
    areConstant = settings.map { $0.type == "constant" }
    try super.init(parameter, context: context)
  }

  private static func shapes(_ dummy: DummyDataParameter, tops: Int) throws -> [Shape] {
    let legacy = [dummy.num, dummy.channels, dummy.height, dummy.width]
    if dummy.shape.isEmpty {
      guard let count = legacy.map(\.count).max(), count > 0,
        legacy.allSatisfy({ $0.count == 1 || $0.count == tops })
      else {
        throw CaffeError(
          "Must specify 'shape', or 'num', 'channels', 'height' and 'width', once or once per top blob (\(tops))"
        )
      }
      return try (0..<tops).map { top in
        try Shape(legacy.map { $0[$0.count == 1 ? 0 : top] })
      }
    }
    guard legacy.allSatisfy(\.isEmpty) else {
      throw CaffeError("give either 'shape' or 'num', 'channels', 'height' and 'width', not both")
    }
    guard dummy.shape.count == 1 || dummy.shape.count == tops else {
      throw CaffeError(
        "Must specify 'shape' once, or once per top blob (\(tops)); specified \(dummy.shape.count)."
      )
    }
    return try (0..<tops).map { try Shape(dummy.shape[dummy.shape.count == 1 ? 0 : $0].dim) }
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] { shapes }

  override func reshape() throws { isFilled = false }

  override func forward() throws {
    for (index, blob) in top.enumerated() where !(areConstant[index] && isFilled) {
      fillers[index].fill(
        blob.data, seed: context.seed, stream: "\(name)/\(index)", pass: context.clock.pass)
    }
    isFilled = true
  }
}
