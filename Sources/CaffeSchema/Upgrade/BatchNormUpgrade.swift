/// The three blobs of BatchNorm are running statistics: no learning rate or decay may touch them.
///
/// Old nets wrote `param` three times; a rate other than 0 there would corrupt the statistics.
enum BatchNormUpgrade {
  static func isNeeded(_ net: NetParameter) -> Bool { net.layer.contains(where: isNeeded) }

  static func apply(_ net: NetParameter) -> (net: NetParameter, remarks: [String]) {
    var result = net
    result.layer = net.layer.map { layer in
      guard isNeeded(layer) else { return layer }
      var layer = layer
      layer.param = layer.param.map { spec in
        var spec = spec
        spec.lrMult = 0
        spec.decayMult = 0
        return spec
      }
      return layer
    }
    return (result, [])
  }

  private static func isNeeded(_ layer: LayerParameter) -> Bool {
    layer.type == "BatchNorm" && layer.param.count == 3
      && layer.param.contains { $0.lrMult != 0 || $0.decayMult != 0 }
  }
}
