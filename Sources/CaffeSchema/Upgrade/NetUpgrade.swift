import CaffeErrors

/// One change that brings nets of an older form to today's.
struct NetUpgradeStep: Sendable {
  /// What the older form is called in the log.
  let form: String
  let isNeeded: @Sendable (NetParameter) -> Bool
  /// Whether a remark tells of something that has no place in the newer form.
  var remarksAreProblems = false
  /// The net in the newer form, and remarks for the log.
  let apply: @Sendable (NetParameter) throws -> (net: NetParameter, remarks: [String])
}

extension NetParameter {
  /// The steps, oldest form first; each expects what the ones before it produce.
  static let upgradeSteps = [
    NetUpgradeStep(
      form: "V0LayerParameter", isNeeded: V0Upgrade.isNeeded, remarksAreProblems: true,
      apply: V0Upgrade.apply),
    NetUpgradeStep(
      form: "transformation parameters", isNeeded: TransformUpgrade.isNeeded,
      apply: TransformUpgrade.apply),
    NetUpgradeStep(form: "V1LayerParameter", isNeeded: V1Upgrade.isNeeded, apply: V1Upgrade.apply),
    NetUpgradeStep(
      form: "input fields", isNeeded: InputUpgrade.isNeeded, apply: InputUpgrade.apply),
    NetUpgradeStep(
      form: "BatchNorm param specs", isNeeded: BatchNormUpgrade.isNeeded,
      apply: BatchNormUpgrade.apply),
  ]

  /// The note on an upgrade that left something out.
  public static let incompleteUpgrade =
    "Warning: had one or more problems upgrading V0NetParameter to NetParameter (see above); continuing anyway."

  /// The same net in today's form: only `layer` with string types, inputs as Input layers.
  ///
  /// Source: BVLC Caffe, `upgrade_proto.cpp`; its log lines are returned as `notes`.
  /// - Parameter file: Named in the notes.
  /// - Throws: CaffeError if the old form is inconsistent.
  public func upgraded(file: String) throws -> (net: NetParameter, notes: [String]) {
    var net = self
    var notes: [String] = []
    for step in Self.upgradeSteps where step.isNeeded(net) {
      notes.append(
        "Attempting to upgrade input file specified using deprecated \(step.form): \(file)")
      let result = try withPlace(file) { try step.apply(net) }
      net = result.net
      notes += result.remarks
      notes.append(
        step.remarksAreProblems && !result.remarks.isEmpty
          ? Self.incompleteUpgrade
          : "Successfully upgraded file specified using deprecated \(step.form)")
    }
    return (net, notes)
  }
}

extension Message {
  /// An error that names the line this message was written on, if it was read from text.
  func error(_ message: String) -> CaffeError {
    CaffeError(message, places: location.map { ["line \($0.line)"] } ?? [])
  }
}
