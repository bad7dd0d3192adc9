import CaffeErrors

/// One change that brings nets of an older form to today's.
struct NetUpgradeStep: Sendable {
  /// What the log says is tried, after "Attempting to upgrade ", and done, after "Successfully upgraded ".
  let attempt: String
  let success: String
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
      attempt: "input file specified using deprecated V0LayerParameter",
      success: "file specified using deprecated V0LayerParameter",
      isNeeded: V0Upgrade.isNeeded, remarksAreProblems: true, apply: V0Upgrade.apply),
    NetUpgradeStep(
      attempt: "input file specified using deprecated transformation parameters",
      success: "file specified using deprecated data transformation parameters.",
      isNeeded: TransformUpgrade.isNeeded, apply: TransformUpgrade.apply),
    NetUpgradeStep(
      attempt: "input file specified using deprecated V1LayerParameter",
      success: "file specified using deprecated V1LayerParameter",
      isNeeded: V1Upgrade.isNeeded, apply: V1Upgrade.apply),
    NetUpgradeStep(
      attempt: "input file specified using deprecated input fields",
      success: "file specified using deprecated input fields.",
      isNeeded: InputUpgrade.isNeeded, apply: InputUpgrade.apply),
    NetUpgradeStep(
      attempt: "batch norm layers using deprecated params",
      success: "batch norm layers using deprecated params.",
      isNeeded: BatchNormUpgrade.isNeeded, apply: BatchNormUpgrade.apply),
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
        "Attempting to upgrade \(step.attempt): \(file)")
      let result = try withPlace(file) { try step.apply(net) }
      net = result.net
      notes += result.remarks
      notes.append(
        step.remarksAreProblems && !result.remarks.isEmpty
          ? Self.incompleteUpgrade
          : "Successfully upgraded \(step.success)")
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
