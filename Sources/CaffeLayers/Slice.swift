import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Cuts its bottom along one axis.
///
/// - Bottom: any shape; tops: the same but for `axis`, which is cut before each `slice_point`, or
///   without them into equal parts. A single top is the bottom itself, without a copy.
///
/// Source: BVLC Caffe, `slice_layer.cpp`.
final class SliceLayer: Layer {
  static let kind = LayerKind(
    "Slice", bottoms: .exactly(1), tops: .atLeast(1), topMemory: .viewOfOnlyBottom,
    gradientReadsBottoms: LayerKind.always(false),
    documentation: LayerDocumentation(
      "Cuts its bottom along one axis", parameterFields: ["slice_param"], source: "slice_layer.cpp")
  ) { try SliceLayer($0, context: $1) }

  private let axis: Int
  /// `nil` for a single top, which is a view of the bottom.
  private var joined: JoinedBlobs?
  private let points: [Int]

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    let slice = parameter.sliceParam
    guard !(slice.hasAxis && slice.hasSliceDim) else {
      throw CaffeError("Either axis or slice_dim should be specified; not both.")
    }
    axis = slice.hasSliceDim ? slice.sliceDim : slice.axis
    points = slice.slicePoint
    let tops = parameter.top.count
    guard points.isEmpty || points.count == tops - 1 else {
      throw CaffeError(
        "slice_point must be given once less than there are tops: \(points.count) given, \(tops) tops"
      )
    }
    guard zip([0] + points, points).allSatisfy({ $0 < $1 }) else {
      throw CaffeError("slice_points must be positive and increase: \(points)")
    }
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let axis = try bottoms[0].axis(axis)
    return try extents(of: bottoms[0][axis]).map { extent in
      var dimensions = bottoms[0].dimensions
      dimensions[axis] = extent
      return try Shape(dimensions)
    }
  }

  /// How much of the axis each top gets.
  private func extents(of whole: Int) throws -> [Int] {
    let tops = parameter.top.count
    guard points.isEmpty else {
      guard let last = points.last, last < whole else {
        throw CaffeError(
          "slice_point \(points[points.count - 1]) is not within the axis's \(whole)")
      }
      return zip(points + [whole], [0] + points).map { $0 - $1 }
    }
    guard whole % tops == 0 else {
      throw CaffeError(
        "Number of top blobs (\(tops)) should evenly divide input slice axis (\(whole)); or give slice_point"
      )
    }
    return Array(repeating: whole / tops, count: tops)
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool { bottoms[0].isInner(axis) }

  override func reshape() throws {
    guard top.count > 1 else {
      top[0].share(bottom[0])
      return
    }
    let joined = JoinedBlobs(top, along: try bottom[0].shape.axis(axis), in: bottom[0])
    for (blob, part) in zip(top, joined.order(like: [bottom[0].data]).parts) {
      blob.data.announce(part.layout)
    }
    self.joined = joined
  }

  override func forward() throws {
    joined?.split(bottom[0].data, into: top.map(\.data))
  }

  override func backward(propagateDown: [Bool]) throws {
    guard propagateDown[0] else { return }
    joined?.join(top.map(\.diff), into: bottom[0].diff)
  }
}
