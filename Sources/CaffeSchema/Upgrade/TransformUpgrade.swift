/// Moves `scale`, `mean_file`, `crop_size` and `mirror` of V1 data layers into `transform_param`.
enum TransformUpgrade {
  static func isNeeded(_ net: NetParameter) -> Bool {
    net.layers.contains { !Self.fields(toMoveIn: $0).isEmpty }
  }

  static func apply(_ net: NetParameter) -> (net: NetParameter, remarks: [String]) {
    var result = net
    result.layers = net.layers.map(upgrade)
    return (result, [])
  }

  private static func upgrade(_ old: V1LayerParameter) -> V1LayerParameter {
    var new = old
    guard let holder = holder(of: old.type) else { return new }
    for name in fields(toMoveIn: old) {
      guard let from = holder.type.field(named: name),
        let to = TransformationParameter.descriptor.field(named: name)
      else { continue }
      new.transformParam.fields[value: to.index] =
        old.fields[stores: holder.index][0][value: from.index]
      new.fields[stores: holder.index][0].clear(from.index)
    }
    return new
  }

  /// The names of those that are set in the layer's own parameters.
  private static func fields(toMoveIn layer: V1LayerParameter) -> [String] {
    guard let holder = holder(of: layer.type),
      let parameters = layer.fields[stores: holder.index].first
    else { return [] }
    return ["scale", "mean_file", "crop_size", "mirror"].filter { name in
      holder.type.field(named: name).map { parameters.has($0.index) } ?? false
    }
  }

  /// The field of a V1 layer that holds the parameters of a data layer type, and its message.
  private static func holder(
    of type: V1LayerParameter.LayerType
  ) -> (index: Int, type: MessageDescriptor)? {
    let name: String
    switch type {
    case .data: name = "data_param"
    case .imageData: name = "image_data_param"
    case .windowData: name = "window_data_param"
    default: return nil
    }
    guard let field = V1LayerParameter.descriptor.field(named: name),
      case .message(let type) = field.type
    else { return nil }
    return (field.index, type)
  }
}
