import CaffeCore
import CaffeNet
import CaffeSchema

/// What Caffe accepts in a net but seldom does what was meant.
struct Warnings {
  private let plan: NetPlan
  private let file: String
  private var findings: [Finding] = []
  /// A net in phase TRAIN with an objective.
  private let trains: Bool
  /// For each blob, the numbers of the layers that read it.
  private let readers: [[Int]]

  private init(_ plan: NetPlan, file: String) {
    self.plan = plan
    self.file = file
    trains =
      plan.parameter.state.phase == .train
      && plan.layers.contains { $0.lossWeights.contains { $0 != 0 } }
    var readers = Array(repeating: [Int](), count: plan.blobs.count)
    for (index, layer) in plan.layers.enumerated() {
      for bottom in layer.bottoms { readers[bottom].append(index) }
    }
    self.readers = readers
  }

  /// About how layers are connected; shapes and parameters do not matter.
  static func onGraph(_ graph: NetPlan, file: String) -> [Finding] {
    var warnings = Warnings(graph, file: file)
    for layer in graph.layers {
      warnings.checkStatistics(layer)
      warnings.checkLoss(layer)
    }
    if warnings.trains { warnings.checkUnusedBlobs() }
    return warnings.findings
  }

  /// About the first values of parameters.
  static func onParameters(_ plan: NetPlan, file: String) -> [Finding] {
    var warnings = Warnings(plan, file: file)
    for (index, layer) in plan.layers.enumerated() { warnings.checkFillers(layer, index) }
    return warnings.findings
  }

  private mutating func warn(_ layer: PlannedLayer, _ text: String) {
    findings.append(Finding(.warning, layer.parameter, file: file, text))
  }

  /// Weights that begin at 0 give all units of a layer the same gradient, or none.
  private mutating func checkFillers(_ layer: PlannedLayer, _ index: Int) {
    guard trains, layer.needsBackward else { return }
    for (number, declaration) in layer.declarations.enumerated()
    where declaration.shape.axes > 1 && layer.learns[number] {
      let filler = declaration.filler
      let isOwner = plan.parameters[layer.parameters[number]].owner.layer == index
      guard isOwner, filler.type == "constant", filler.value == 0 else { continue }
      warn(
        layer,
        "its weights (param \(number)) begin at constant 0 and learn nothing unless weights are loaded; set weight_filler, such as { type: \"xavier\" }"
      )
    }
  }

  /// Caffe's BatchNorm has no scale and shift of its own.
  private mutating func checkStatistics(_ layer: PlannedLayer) {
    guard layer.kind.type == "BatchNorm", let top = layer.tops.first else { return }
    guard !readers(of: top).contains(where: { $0.kind.type == "Scale" }) else { return }
    warn(
      layer,
      "no Scale layer follows: BatchNorm only normalises; add Scale with bias_term: true to learn scale and shift"
    )
  }

  private mutating func checkLoss(_ layer: PlannedLayer) {
    let doubled = ["SoftmaxWithLoss": "Softmax", "SigmoidCrossEntropyLoss": "Sigmoid"]
    guard let inner = doubled[layer.kind.type], let bottom = layer.bottoms.first,
      let maker = maker(of: bottom), maker.kind.type == inner
    else { return }
    warn(
      layer,
      "its bottom '\(plan.blobs[bottom].name)' comes from layer '\(maker.parameter.name)' (\(inner)), but \(layer.kind.type) takes the \(inner.lowercased()) itself; give it the scores before"
    )
  }

  private mutating func checkUnusedBlobs() {
    for (index, layer) in plan.layers.enumerated()
    where !layer.kind.isForwardOnly && !layer.kind.isLoss {
      for (top, weight) in zip(layer.tops, layer.lossWeights)
      where weight == 0 && plan.blobs[top].isOutput && plan.blobs[top].makers.last == index {
        warn(
          layer,
          "no layer reads its top '\(plan.blobs[top].name)', and it is no loss; end it in a Silence layer, or remove it"
        )
      }
    }
  }

  /// The layers that read a blob, through inserted splits.
  private func readers(of blob: Int) -> [PlannedLayer] {
    readers[blob].map { plan.layers[$0] }.flatMap { layer in
      layer.isInsertedSplit ? layer.tops.flatMap(readers(of:)) : [layer]
    }
  }

  /// The layer that wrote a blob last, through inserted splits.
  private func maker(of blob: Int) -> PlannedLayer? {
    guard let last = plan.blobs[blob].makers.last.map({ plan.layers[$0] }) else { return nil }
    return last.isInsertedSplit ? maker(of: last.bottoms[0]) : last
  }
}
