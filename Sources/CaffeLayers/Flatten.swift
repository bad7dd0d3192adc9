import CaffeCore
import CaffeErrors
import CaffeSchema

/// Makes one axis of the axes from `axis` to `end_axis`; the default leaves `[n, everything else]`.
///
/// Top and bottom are one memory, values and gradients. Not in place: a blob has one shape.
///
/// Source: BVLC Caffe, `flatten_layer.cpp`.
final class FlattenLayer: Layer {
  static let kind = LayerKind(
    "Flatten", bottoms: .exactly(1), tops: .exactly(1), topMemory: .view,
    documentation: LayerDocumentation(
      "Makes one axis of the axes from axis to end_axis, without a copy",
      parameterFields: ["flatten_param"], source: "flatten_layer.cpp")
  ) { try FlattenLayer($0, context: $1) }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let bottom = bottoms[0]
    let first = try bottom.axis(parameter.flattenParam.axis)
    let last = try bottom.axis(parameter.flattenParam.endAxis)
    guard first <= last else {
      throw CaffeError(
        "axis must not come after end_axis, got axis \(first) and end_axis \(last) of \(bottom)")
    }
    let middle = bottom.count(first..<last + 1)
    let dimensions = bottom.dimensions
    return [try Shape(dimensions[..<first] + [middle] + dimensions[(last + 1)...])]
  }

  override func treatsItemsAlone(for bottoms: [Shape]) -> Bool {
    bottoms[0].isInner(parameter.flattenParam.axis)
  }

  override func reshape() throws { top[0].share(bottom[0]) }
}
