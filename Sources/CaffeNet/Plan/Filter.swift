import CaffeCore
import CaffeErrors
import CaffeSchema

extension NetParameter {
  /// The net with only those layers whose `include` and `exclude` rules its `state` meets, and the
  /// state's phase given to layers that name none.
  ///
  /// A layer is kept if any `include` rule is met, dropped if any `exclude` rule is met.
  ///
  /// - Parameter report: told of each rule that is not met, and why.
  /// - Throws: when a layer has both kinds of rule.
  ///
  /// Source: BVLC Caffe, `Net::FilterNet`.
  public func filtered(report: (String) -> Void = { _ in }) throws -> NetParameter {
    func isMet(_ rule: NetStateRule, of layer: LayerParameter) -> Bool {
      guard let objection = rule.objection(to: state) else { return true }
      report("The NetState \(objection) specified by a rule in layer \(layer.name)")
      return false
    }
    var net = self
    net.layer = try layer.compactMap { layer in
      guard layer.include.isEmpty || layer.exclude.isEmpty else {
        throw CaffeError("Specify either include rules or exclude rules; not both.")
          .within(Layer.place(of: layer))
      }
      let isKept =
        layer.include.isEmpty
        ? !layer.exclude.contains { isMet($0, of: layer) }
        : layer.include.contains { isMet($0, of: layer) }
      guard isKept else { return nil }
      var kept = layer
      if !kept.hasPhase { kept.phase = state.phase }
      return kept
    }
    return net
  }
}

extension NetStateRule {
  /// What in the state does not meet the rule: its phase, a level outside of the range, a stage that it
  /// lacks or a `not_stage` that it has; `nil` if it meets all of it.
  fileprivate func objection(to state: NetState) -> String? {
    if hasPhase && phase != state.phase {
      return "phase (\(state.phase.rawValue)) differed from the phase (\(phase.rawValue))"
    }
    if hasMinLevel && state.level < minLevel {
      return "level (\(state.level)) is below the min_level (\(minLevel))"
    }
    if hasMaxLevel && state.level > maxLevel {
      return "level (\(state.level)) is above the max_level (\(maxLevel))"
    }
    if let missing = stage.first(where: { !state.stage.contains($0) }) {
      return "did not contain stage '\(missing)'"
    }
    return notStage.first(where: state.stage.contains).map { "contained a not_stage '\($0)'" }
  }
}
