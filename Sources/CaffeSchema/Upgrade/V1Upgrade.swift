import CaffeErrors

/// V1 to today's layers: enum types become strings, parallel lists become `param`.
enum V1Upgrade {
  static func isNeeded(_ net: NetParameter) -> Bool { !net.layers.isEmpty }

  /// - Throws: CaffeError if the net has layers of both forms.
  static func apply(_ net: NetParameter) throws -> (net: NetParameter, remarks: [String]) {
    guard net.layer.isEmpty else {
      throw CaffeError(
        "the net has both 'layer' and 'layers' fields; write every layer as 'layer' with a string type"
      )
    }
    var result = net
    result.layer = net.layers.map(upgrade)
    result.clearLayers()
    return (result, [])
  }

  private static func upgrade(_ old: V1LayerParameter) -> LayerParameter {
    var new = LayerParameter()
    new.location = old.location
    if old.hasType { new.type = LayerTypeNames.name(of: old.type) }
    for (field, value) in old.fields.contents where !changed.contains(field.name) {
      guard let target = LayerParameter.descriptor.field(named: field.name) else { continue }
      new.fields[value: target.index] = value
    }
    let count = max(
      old.param.count, old.blobShareMode.count, old.blobsLr.count, old.weightDecay.count)
    new.param = (0..<count).map { i in
      var spec = ParamSpec()
      if i < old.param.count { spec.name = old.param[i] }
      if i < old.blobShareMode.count {
        spec.shareMode = old.blobShareMode[i] == .strict ? .strict : .permissive
      }
      if i < old.blobsLr.count { spec.lrMult = old.blobsLr[i] }
      if i < old.weightDecay.count { spec.decayMult = old.weightDecay[i] }
      return spec
    }
    return new
  }

  /// Fields that mean something else, or nothing, in the new form.
  private static let changed: Set = [
    "type", "layer", "param", "blob_share_mode", "blobs_lr", "weight_decay",
  ]
}
