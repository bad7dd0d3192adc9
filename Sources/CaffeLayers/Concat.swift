import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Joins its bottoms along one axis.
///
/// - Bottoms: one or more blobs whose shapes differ on `axis` alone; top: the same shape with the
///   sum of their extents on that axis. A single bottom is passed on without a copy.
///
/// Source: BVLC Caffe, `concat_layer.cpp`.
final class ConcatLayer: Layer {
  static let kind = LayerKind(
    "Concat", bottoms: .atLeast(1), tops: .exactly(1), topMemory: .viewOfOnlyBottom,
    servesReLUs: LayerKind.always(true), gradientReadsBottoms: LayerKind.always(false),
    documentation: LayerDocumentation(
      "Joins its bottoms along one axis", parameterFields: ["concat_param"],
      source: "concat_layer.cpp")
  ) { try ConcatLayer($0, context: $1) }

  private let axis: Int
  /// `nil` for a single bottom, which the top is a view of.
  private var joined: JoinedBlobs?
  private var gradient: JoinedGradient?
  /// `nil` where bottoms are copied.
  private var places: JoinedPlaces?

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let concat = parameter.concatParam
    guard !(concat.hasAxis && concat.hasConcatDim) else {
      throw CaffeError("Either axis or concat_dim should be specified; not both.")
    }
    axis = concat.hasConcatDim ? concat.concatDim : concat.axis
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let axis = try bottoms[0].axis(axis)
    var joined = bottoms[0].dimensions
    for (index, shape) in bottoms.enumerated().dropFirst() {
      guard shape.axes == joined.count else {
        throw CaffeError(
          "all bottoms must have as many axes: bottom 0 has \(bottoms[0]), bottom \(index) \(shape)"
        )
      }
      for other in 0..<shape.axes where other != axis && shape[other] != joined[other] {
        throw CaffeError(
          "bottoms may differ on axis \(axis) alone: bottom 0 has \(bottoms[0]), bottom \(index) \(shape)"
        )
      }
      joined[axis] += shape[axis]
    }
    return [try Shape(joined)]
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool { bottoms[0].isInner(axis) }

  override func reshape() throws {
    guard bottom.count > 1 else {
      top[0].share(bottom[0])
      return
    }
    let joined = JoinedBlobs(bottom, along: try top[0].shape.axis(axis), in: top[0])
    let order = joined.order(like: bottom.map(\.data))
    top[0].data.announce(order.layout)
    self.joined = joined
    gradient = JoinedGradient(of: self, joined)
    places = try choosePlaces(in: order)
    engine.implementation = places == nil ? nil : "in place"
  }

  private func choosePlaces(in order: JoinedBlobs.Order) throws -> JoinedPlaces? {
    engine.refusals = []
    do {
      return try JoinedPlaces(of: self, in: order)
    } catch let refusal as EngineRefusal {
      engine.refusals = ["\(refusal)"]
      return nil
    }
  }

  override func forward() throws {
    guard let joined else { return }
    if let places {
      places.complete(joined, of: bottom, into: top[0])
    } else {
      joined.join(bottom.map(\.data), into: top[0].data)
    }
  }

  override func backward(propagateDown: [Bool]) throws {
    gradient?.run(propagateDown: propagateDown)
  }
}
