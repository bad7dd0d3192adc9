import CaffeErrors
import CaffeSchema

extension NetParameter {
  /// The net with only those layers whose `include` and `exclude` rules its `state` meets, and the
  /// state's phase given to layers that name none.
  ///
  /// A layer is kept if any `include` rule is met, dropped if any `exclude` rule is met.
  ///
  /// - Throws: when a layer has both kinds of rule.
  ///
  /// Source: BVLC Caffe, `Net::FilterNet`.
  public func filtered() throws -> NetParameter {
    var net = self
    net.layer = try layer.compactMap { layer in
      guard layer.include.isEmpty || layer.exclude.isEmpty else {
        throw CaffeError("Specify either include rules or exclude rules; not both.")
          .within("layer '\(layer.name)'")
      }
      let isKept =
        layer.include.isEmpty
        ? !layer.exclude.contains { $0.isMet(by: state) }
        : layer.include.contains { $0.isMet(by: state) }
      guard isKept else { return nil }
      var kept = layer
      if !kept.hasPhase { kept.phase = state.phase }
      return kept
    }
    return net
  }
}

extension NetStateRule {
  /// The state has the rule's phase, a level in its range, all of its stages and none of its
  /// `not_stage`s.
  func isMet(by state: NetState) -> Bool {
    if hasPhase && phase != state.phase { return false }
    if hasMinLevel && state.level < minLevel { return false }
    if hasMaxLevel && state.level > maxLevel { return false }
    return stage.allSatisfy(state.stage.contains) && !notStage.contains(where: state.stage.contains)
  }
}
