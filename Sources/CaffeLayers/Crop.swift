import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Cuts its first bottom to the extents of the second on the axes from `axis` on.
///
/// - Bottoms: x, and a blob of as many axes whose shape is the model; top: x's extents before `axis`,
///   the model's from there on.
/// - `offset` says where to start: not given (0), once for all cropped axes, or once for each.
///
/// The model's values do not matter, so its gradient is 0.
///
/// Source: BVLC Caffe, `crop_layer.cpp`.
final class CropLayer: Layer {
  static let kind = LayerKind(
    "Crop", bottoms: .exactly(2), tops: .exactly(1),
    documentation: LayerDocumentation(
      "Cuts its first bottom to the extents of the second on the axes from axis on",
      formula: "y[i, ...] = x[i + offset, ...]", parameterFields: ["crop_param"],
      source: "crop_layer.cpp")
  ) { try CropLayer($0, context: $1) }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let (bottom, model) = (bottoms[0], bottoms[1])
    guard bottom.axes == model.axes else {
      throw CaffeError("both bottoms must have as many axes, got \(bottom) and \(model)")
    }
    let offsets = try offsets(in: bottom)
    let first = try bottom.axis(parameter.cropParam.axis)
    for axis in first..<bottom.axes where offsets[axis] + model[axis] > bottom[axis] {
      throw CaffeError(
        "the crop for dimension \(axis) is out-of-bounds with size \(model[axis]) and offset \(offsets[axis]): the bottom has \(bottom[axis])"
      )
    }
    return [try Shape(bottom.dimensions[..<first] + Array(model.dimensions[first...]))]
  }

  /// Where the crop starts on each axis.
  private func offsets(in bottom: Shape) throws -> [Int] {
    let first = try bottom.axis(parameter.cropParam.axis)
    let (given, cropped) = (parameter.cropParam.offset, bottom.axes - first)
    guard given.count <= 1 || given.count == cropped else {
      throw CaffeError(
        "offset must be given once or once for each cropped axis: \(given.count) given, \(cropped) axes from axis \(first) on"
      )
    }
    let wanted = given.count > 1 ? given : Array(repeating: given.first ?? 0, count: cropped)
    return Array(repeating: 0, count: first) + wanted
  }

  override func forward() throws {
    let place = try place()
    Blocks.copy(
      bottom[0].data.read() + place.start, strides: place.strides,
      extents: top[0].shape.dimensions, into: top[0].data.overwrite(),
      strides: top[0].shape.strides)
  }

  override func backward(propagateDown: [Bool]) throws {
    if propagateDown[0] {
      let place = try place()
      let target = bottom[0].diff.overwrite()
      Vector.fill(target, with: 0, count: bottom[0].count)
      Blocks.copy(
        top[0].diff.read(), strides: top[0].shape.strides, extents: top[0].shape.dimensions,
        into: target + place.start, strides: place.strides)
    }
    if propagateDown[1] {
      Vector.fill(bottom[1].diff.overwrite(), with: 0, count: bottom[1].count)
    }
  }

  /// Where the top's values lie within the bottom.
  private func place() throws -> (start: Int, strides: [Int]) {
    let strides = bottom[0].shape.strides
    let offsets = try offsets(in: bottom[0].shape)
    return (zip(offsets, strides).map { $0 * $1 }.reduce(0, +), strides)
  }
}

extension Shape {
  /// Floats from one index to the next on each axis, in plain order.
  fileprivate var strides: [Int] { (0..<axes).map { count(from: $0 + 1) } }
}
