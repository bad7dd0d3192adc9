import CaffeCore
import CaffeErrors
import CaffeSchema

/// Gives the bottom's values another shape.
///
/// - `shape` replaces the `num_axes` axes from `axis` on (all of them by default; an `axis` of −1 is
///   the place after the last). A dimension of 0 copies the bottom's at that position, one of −1 is
///   what remains.
///
/// Top and bottom are one memory, values and gradients. Not in place: a blob has one shape.
///
/// Source: BVLC Caffe, `reshape_layer.cpp`.
final class ReshapeLayer: Layer {
  static let kind = LayerKind(
    "Reshape", bottoms: .exactly(1), tops: .exactly(1), topMemory: .view,
    documentation: LayerDocumentation(
      "Gives the bottom's values another shape, without a copy", parameterFields: ["reshape_param"],
      source: "reshape_layer.cpp")
  ) { try ReshapeLayer($0, context: $1) }

  /// The new dimensions as the prototxt has them.
  private let wanted: [Int]

  override init(_ parameter: LayerParameter, context: LayerContext) throws {
    wanted = parameter.reshapeParam.shape.dim
    guard wanted.lazy.filter({ $0 == -1 }).count <= 1 else {
      throw CaffeError(
        "new shape contains multiple -1 dims; at most a single (1) value of -1 may be specified")
    }
    if let dimension = wanted.first(where: { $0 < -1 }) {
      throw CaffeError("a dim must be positive, 0 to copy or -1 to infer, got \(dimension)")
    }
    guard parameter.reshapeParam.numAxes >= -1 else {
      throw CaffeError(
        "num_axes must be >= 0, or -1 for all, got \(parameter.reshapeParam.numAxes)")
    }
    try super.init(parameter, context: context)
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let bottom = bottoms[0]
    let window = try window(of: bottom)
    let dimensions = try inferred(copied(from: bottom, at: window.lowerBound), bottom, window)
    let shape = try Shape(
      bottom.dimensions[..<window.lowerBound] + dimensions
        + bottom.dimensions[window.upperBound...])
    guard shape.count == bottom.count else {
      throw CaffeError(
        "output count must match input count: shape \(shape) for a bottom of \(bottom)")
    }
    return [shape]
  }

  override func reshape() throws { top[0].share(bottom[0]) }

  /// The bottom's axes that are replaced.
  private func window(of bottom: Shape) throws -> Range<Int> {
    let (axis, axes) = (parameter.reshapeParam.axis, parameter.reshapeParam.numAxes)
    let first = axis < 0 ? bottom.axes + 1 + axis : axis
    guard (0...bottom.axes).contains(first) else {
      throw CaffeError(
        "axis \(axis) is out of range for a blob with \(bottom.axes) axes: \(bottom)")
    }
    let last = axes < 0 ? bottom.axes : first + axes
    guard last <= bottom.axes else {
      throw CaffeError(
        "axis \(first) and num_axes \(axes) reach past the last axis of the bottom: \(bottom)")
    }
    return first..<last
  }

  /// The new dimensions with zeros replaced by the bottom's.
  private func copied(from bottom: Shape, at first: Int) throws -> [Int] {
    try wanted.enumerated().map { position, dimension in
      guard dimension == 0 else { return dimension }
      guard first + position < bottom.axes else {
        throw CaffeError(
          "new shape contains a 0, but there was no corresponding bottom axis to copy: dim \(position), bottom \(bottom)"
        )
      }
      return bottom[first + position]
    }
  }

  /// The new dimensions with −1 replaced by what remains.
  ///
  /// Copied dimensions that lie in the window cancel, so that an empty batch divides nothing by 0.
  private func inferred(
    _ dimensions: [Int], _ bottom: Shape, _ window: Range<Int>
  ) throws -> [Int] {
    guard let unknown = dimensions.firstIndex(of: -1) else { return dimensions }
    let cancels = { (position: Int) in
      self.wanted[position] == 0 && window.contains(window.lowerBound + position)
    }
    let there = window.filter { axis in
      let position = axis - window.lowerBound
      return !(dimensions.indices.contains(position) && cancels(position))
    }.map { bottom[$0] }.reduce(1, *)
    let given = try Shape(
      dimensions.indices.filter { $0 != unknown && !cancels($0) }.map { dimensions[$0] }
    ).count
    guard given > 0, there % given == 0 else {
      throw CaffeError(
        "bottom count must be divisible by the product of the specified dimensions: \(there) values for \(given)"
      )
    }
    var dimensions = dimensions
    dimensions[unknown] = there / given
    return dimensions
  }
}
