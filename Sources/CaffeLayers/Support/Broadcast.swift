import CaffeCore
import CaffeErrors
import CaffeKernels

/// Where the factors of Scale and the summands of Bias lie along the bottom: the axes that start at
/// `axis`, `num_axes` of them (−1: all that follow; 0: one value for everything).
struct Broadcast {
  private let axis: Int
  private let axes: Int

  /// - Throws: a `num_axes` below −1.
  init(axis: Int, axes: Int) throws {
    guard axes >= -1 else {
      throw CaffeError("num_axes must be -1 (all axes) or at least 0, got \(axes)")
    }
    self.axis = axis
    self.axes = axes
  }

  /// The shape of a learned blob for this bottom.
  func learnedShape(_ bottom: Shape) throws -> Shape {
    if axes == 0 { return [] }
    let first = try bottom.axis(axis)
    let last = axes < 0 ? bottom.axes : first + axes
    guard last <= bottom.axes else {
      throw CaffeError(
        "axis \(first) and num_axes \(axes) reach past the last axis of the bottom: \(bottom)")
    }
    return try Shape(Array(bottom.dimensions[first..<last]))
  }

  /// Whether the items of `bottom` have the same factors or summands.
  func leavesItems(of bottom: Shape) -> Bool { axes == 0 || bottom.isInner(axis) }

  /// How a blob of shape `part` (learned, or the second bottom) lies along the bottom.
  ///
  /// - Throws: when its extents are not those of the bottom from `axis` on.
  func extents(of part: Shape, along bottom: Shape) throws -> ChannelExtents {
    guard part.axes > 0 else { return ChannelExtents(outer: bottom.count) }
    let first = try bottom.axis(axis)
    let last = first + part.axes
    guard last <= bottom.axes, part.dimensions == Array(bottom.dimensions[first..<last]) else {
      throw CaffeError(
        "a blob of shape \(part) does not fit the bottom's axes from \(first) on: \(bottom)")
    }
    return ChannelExtents(
      outer: bottom.count(before: first), channels: part.count, inner: bottom.count(from: last))
  }
}

extension Broadcast {
  /// How the factors or summands of a layer lie along its first bottom: those of the second bottom,
  /// or else the learned ones.
  ///
  /// - Parameter learned: `nil` as long as the layer has no parameters.
  /// - Throws: also when a learned blob was made for another shape.
  func extents(for bottoms: [Shape], learned: Blob?, called name: String) throws -> ChannelExtents {
    if bottoms.count > 1 { return try extents(of: bottoms[1], along: bottoms[0]) }
    let wanted = try learnedShape(bottoms[0])
    if let learned, learned.count != wanted.count {
      throw CaffeError(
        "the \(name) was made for shape \(learned.shape), the bottom now needs \(wanted)")
    }
    return try extents(of: wanted, along: bottoms[0])
  }
}
