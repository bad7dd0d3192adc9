import CaffeErrors

/// The extents of a blob, outermost first; row-major, so the last axis is contiguous.
///
/// A shape without axes is a scalar and counts one value. A valid `Shape` has at most 32 axes and
/// at most 2³¹ − 1 values (the bounds of BVLC Caffe), also if axes of extent 0 are left out, so no later
/// index arithmetic can overflow.
public struct Shape: Hashable, Sendable {
  public static let maximumAxes = 32
  public static let maximumCount = Int(Int32.max)

  public let dimensions: [Int]
  /// How many values: the product of the dimensions.
  public let count: Int

  /// - Throws: a negative dimension, more than 32 axes, or more than 2³¹ − 1 values.
  public init(_ dimensions: [Int]) throws {
    guard dimensions.count <= Shape.maximumAxes else {
      throw CaffeError(
        "a blob has at most \(Shape.maximumAxes) axes, this one would have \(dimensions.count)")
    }
    var bound = 1
    for dimension in dimensions {
      guard dimension >= 0 else {
        throw CaffeError("a dimension cannot be negative: \(Shape.list(dimensions))")
      }
      let (product, overflow) = bound.multipliedReportingOverflow(by: max(dimension, 1))
      guard !overflow, product <= Shape.maximumCount else {
        throw CaffeError(
          "blob size exceeds \(Shape.maximumCount) values: \(Shape.list(dimensions))")
      }
      bound = product
    }
    self.dimensions = dimensions
    count = dimensions.contains(0) ? 0 : bound
  }

  public var axes: Int { dimensions.count }

  public subscript(axis: Int) -> Int { dimensions[axis] }

  /// The axis that a prototxt means by `axis`, where −1 is the last.
  ///
  /// - Throws: when the blob has no such axis.
  public func axis(_ axis: Int) throws -> Int {
    guard (-axes..<axes).contains(axis) else {
      throw CaffeError("axis \(axis) is out of range for a blob with \(axes) axes: \(self)")
    }
    return axis < 0 ? axis + axes : axis
  }

  /// Whether that is an axis, and not the outermost one.
  package func isInner(_ axis: Int) -> Bool { (try? self.axis(axis)).map { $0 > 0 } ?? false }

  /// The product of the dimensions on the axes of `range`; 1 if the range is empty.
  public func count(_ range: Range<Int>) -> Int {
    dimensions[range].reduce(1, *)
  }

  public func count(from axis: Int) -> Int { count(axis..<axes) }
  public func count(before axis: Int) -> Int { count(0..<axis) }

  /// A dimension as Caffe's old four-axis accessors give it: missing axes read as 1.
  public func legacy(_ axis: Int) -> Int { axis < axes ? dimensions[axis] : 1 }

  private static func list(_ dimensions: [Int]) -> String {
    dimensions.map(String.init).joined(separator: " ")
  }
}

extension Shape: ExpressibleByArrayLiteral {
  /// For shapes written in code.
  ///
  /// - Precondition: the dimensions make a valid shape.
  public init(arrayLiteral dimensions: Int...) {
    do {
      try self.init(dimensions)
    } catch {
      preconditionFailure("\(error)")
    }
  }
}

extension Shape: CustomStringConvertible {
  /// As Caffe prints shapes: `64 1 28 28 (50176)`.
  public var description: String {
    (dimensions.map(String.init) + ["(\(count))"]).joined(separator: " ")
  }
}
