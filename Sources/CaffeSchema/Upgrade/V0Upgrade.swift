import CaffeErrors

/// V0 to V1: a flat list of parameters per layer becomes one message per layer type.
enum V0Upgrade {
  static func isNeeded(_ net: NetParameter) -> Bool { net.layers.contains { $0.hasLayer } }

  /// - Throws: CaffeError if a layer has no V0 form, an unknown type, or a padding layer is misused.
  static func apply(_ net: NetParameter) throws -> (net: NetParameter, remarks: [String]) {
    var result = net
    var remarks: [String] = []
    result.layers = try foldPadding(net.layers).map { layer in
      let upgraded = try upgrade(layer)
      remarks += upgraded.remarks
      return upgraded.layer
    }
    return (result, remarks)
  }

  /// Drops "padding" layers; what they added becomes the `pad` of the layer that reads them.
  private static func foldPadding(_ layers: [V1LayerParameter]) throws -> [V1LayerParameter] {
    var padding: [String: V1LayerParameter] = [:]  // by the blob it makes
    var result: [V1LayerParameter] = []
    for var layer in layers {
      guard layer.layer.type != "padding" else {
        guard layer.bottom.count == 1 && layer.top.count == 1 else {
          throw layer.error("padding layer '\(layer.layer.name)' needs one bottom and one top")
        }
        padding[layer.top[0]] = layer
        continue
      }
      for (i, name) in layer.bottom.enumerated() {
        guard let source = padding[name] else { continue }
        guard ["conv", "pool"].contains(layer.layer.type), layer.bottom.count == 1 else {
          throw layer.error(
            "layer '\(layer.layer.name)' (\(layer.layer.type)) reads padding layer "
              + "'\(source.layer.name)'; only a conv or pool layer with one bottom can")
        }
        layer.layer.pad = source.layer.pad
        layer.bottom[i] = source.bottom[0]
      }
      for name in layer.top { padding[name] = nil }
      result.append(layer)
    }
    return result
  }

  private static func upgrade(
    _ old: V1LayerParameter
  ) throws -> (layer: V1LayerParameter, remarks: [String]) {
    guard old.hasLayer else {
      throw old.error("layer '\(old.name)' is V1, but others in the net are V0")
    }
    let source = old.layer
    var new = V1LayerParameter()
    new.location = old.location
    new.bottom = old.bottom
    new.top = old.top
    if source.hasName { new.name = source.name }
    if source.hasType {
      guard let type = LayerTypeNames.type(ofV0: source.type) else {
        throw old.error("layer '\(source.name)' has the unknown V0 type \"\(source.type)\"")
      }
      new.type = type
    }
    new.blobs = source.blobs
    new.blobsLr = source.blobsLr
    new.weightDecay = source.weightDecay
    let remarks = moveParameters(of: source, into: &new)
    return (new, remarks)
  }

  /// Moves each set parameter to the message of the layer's type; says which have no place there.
  private static func moveParameters(
    of source: V0LayerParameter, into new: inout V1LayerParameter
  ) -> [String] {
    var remarks: [String] = []
    for (field, value) in source.fields.contents where !common.contains(field.name) {
      let targets = V0Upgrade.targets[field.name] ?? [:]
      guard let path = targets[source.type] ?? targets[anyType] else {
        remarks.append("Unknown parameter \(field.name) for layer type \(source.type)")
        continue
      }
      new.fields.set(path, to: value)
    }
    return remarks
  }

  /// Fields that every V0 layer has, copied by themselves.
  private static let common: Set = ["name", "type", "blobs", "blobs_lr", "weight_decay"]
  private static let anyType = "*"

  /// For each V0 field, by V0 type, where it went: `parameter message.field`.
  private static let targets: [String: [String: [String]]] = {
    func to(_ field: String, _ types: KeyValuePairs<String, String>) -> [String: [String]] {
      Dictionary(uniqueKeysWithValues: types.map { ($0, [$1, field]) })
    }
    let conv = "convolution_param"
    let pool = "pooling_param"
    let inner = "inner_product_param"
    let window = "window_data_param"
    func weights(_ field: String) -> [String: [String]] {
      to(field, ["conv": conv, "innerproduct": inner])
    }
    func lrn(_ field: String) -> [String: [String]] { to(field, ["lrn": "lrn_param"]) }
    func transform(_ field: String) -> [String: [String]] {
      to(field, [anyType: "transform_param"])
    }
    return [
      "num_output": weights("num_output"), "biasterm": weights("bias_term"),
      "weight_filler": weights("weight_filler"), "bias_filler": weights("bias_filler"),
      "pad": to("pad", ["conv": conv, "pool": pool]),
      "kernelsize": to("kernel_size", ["conv": conv, "pool": pool]),
      "stride": to("stride", ["conv": conv, "pool": pool]),
      "group": to("group", ["conv": conv]), "pool": to("pool", ["pool": pool]),
      "dropout_ratio": to("dropout_ratio", ["dropout": "dropout_param"]),
      "local_size": lrn("local_size"), "alpha": lrn("alpha"), "beta": lrn("beta"), "k": lrn("k"),
      "source": to(
        "source",
        [
          "data": "data_param", "hdf5_data": "hdf5_data_param", "images": "image_data_param",
          "window_data": window, "infogain_loss": "infogain_loss_param",
        ]),
      "batchsize": to(
        "batch_size",
        [
          "data": "data_param", "hdf5_data": "hdf5_data_param", "images": "image_data_param",
          "window_data": window,
        ]),
      "scale": transform("scale"), "meanfile": transform("mean_file"),
      "cropsize": transform("crop_size"), "mirror": transform("mirror"),
      "rand_skip": to("rand_skip", ["data": "data_param", "images": "image_data_param"]),
      "shuffle_images": to("shuffle", ["images": "image_data_param"]),
      "new_height": to("new_height", ["images": "image_data_param"]),
      "new_width": to("new_width", ["images": "image_data_param"]),
      "concat_dim": to("concat_dim", ["concat": "concat_param"]),
      "det_fg_threshold": to("fg_threshold", ["window_data": window]),
      "det_bg_threshold": to("bg_threshold", ["window_data": window]),
      "det_fg_fraction": to("fg_fraction", ["window_data": window]),
      "det_context_pad": to("context_pad", ["window_data": window]),
      "det_crop_mode": to("crop_mode", ["window_data": window]),
      "hdf5_output_param": ["hdf5_output": ["hdf5_output_param"]],
    ]
  }()
}

extension FieldStore {
  /// Sets the field at the end of a path of names; a value for a repeated field becomes its element.
  fileprivate mutating func set(_ path: [String], to value: FieldValue) {
    guard let field = path.first.flatMap(descriptor.field(named:)) else {
      preconditionFailure("\(descriptor.name) has no field \(path)")
    }
    guard path.count > 1, case .message(let type) = field.type else {
      if field.isRepeated, case .int(let number) = value {
        self[list: field.index] = [number]
      } else {
        self[value: field.index] = value
      }
      return
    }
    var inner = self[stores: field.index].first ?? FieldStore(type)
    inner.set(Array(path.dropFirst()), to: value)
    self[stores: field.index] = [inner]
  }
}
