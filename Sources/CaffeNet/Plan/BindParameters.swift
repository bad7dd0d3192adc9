import CaffeCore
import CaffeErrors
import CaffeSchema

extension NetPlan {
  /// Numbers the learnable blobs; those with one `param { name }` are one, owned by the first layer
  /// that names it.
  ///
  /// - Throws: sharers whose shapes or explicit multipliers differ, more `param`s than blobs.
  ///
  /// Source: BVLC Caffe, `Net::AppendParam`.
  mutating func bindParameters(report: (String) -> Void) throws {
    var named: [String: Int] = [:]
    for index in layers.indices {
      let planned = layers[index]
      let specs = planned.parameter.param
      try withPlace(planned.place) {
        guard specs.count <= planned.declarations.count else {
          throw CaffeError(
            "Too many params specified for layer \(planned.parameter.name): \(specs.count) given, \(planned.declarations.count) blobs"
          )
        }
        for (position, declaration) in planned.declarations.enumerated() {
          let spec = position < specs.count ? specs[position] : ParamSpec()
          if declaration.isFixed, spec.hasLrMult, spec.lrMult != 0 {
            throw CaffeError(
              "param \(position) holds statistics, which the layer keeps itself: its lr_mult must be 0"
            )
          }
          let number: Int
          if let shared = named[spec.name], !spec.name.isEmpty {
            try share(shared, spec: spec, declaration: declaration, by: planned, report: report)
            number = shared
          } else {
            parameters.append(
              PlannedParameter(
                owner: (index, position),
                displayName: spec.name.isEmpty ? String(position) : spec.name,
                declaration: declaration,
                learningRateMultiplier: declaration.isFixed
                  ? 0 : spec.hasLrMult ? spec.lrMult : nil,
                decayMultiplier: declaration.isFixed ? 0 : spec.hasDecayMult ? spec.decayMult : nil)
            )
            number = parameters.count - 1
            if !spec.name.isEmpty { named[spec.name] = number }
          }
          layers[index].parameters.append(number)
        }
      }
    }
  }

  private mutating func share(
    _ number: Int, spec: ParamSpec, declaration: ParameterDeclaration, by sharer: PlannedLayer,
    report: (String) -> Void
  ) throws {
    let shared = parameters[number]
    let owner = layers[shared.owner.layer].parameter.name
    let (ours, theirs) = (declaration.shape, shared.declaration.shape)
    let isPermissive = spec.shareMode == .permissive
    guard isPermissive ? ours.count == theirs.count : ours == theirs else {
      throw CaffeError(
        "Cannot share param '\(spec.name)' owned by layer '\(owner)' with layer '\(sharer.parameter.name)';"
          + " \(isPermissive ? "count" : "shape") mismatch.  Owner layer param shape is \(theirs);"
          + " sharing layer expects shape \(ours)")
    }
    report(
      "Sharing parameters '\(spec.name)' owned by layer '\(owner)', param index \(shared.owner.index)"
    )
    if spec.hasLrMult {
      parameters[number].learningRateMultiplier = try agreed(
        shared.learningRateMultiplier, spec.lrMult, "lr_mult", spec.name)
    }
    if spec.hasDecayMult {
      parameters[number].decayMultiplier = try agreed(
        shared.decayMultiplier, spec.decayMult, "decay_mult", spec.name)
    }
  }

  private func agreed(
    _ owners: Float?, _ sharers: Float, _ field: String, _ name: String
  ) throws -> Float {
    guard owners == nil || owners == sharers else {
      throw CaffeError("Shared param '\(name)' has mismatched \(field).")
    }
    return sharers
  }
}
