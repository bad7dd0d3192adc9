import CaffeCore
import CaffeErrors
import CaffeSchema

extension NetPlan {
  /// Finds where gradients are needed: a layer runs backward if it or a layer below it learns, and
  /// it lies under a loss, and not all of its tops are cut off by `propagate_down: false`.
  ///
  /// `force_backward` asks for every gradient that is defined.
  ///
  /// - Throws: a `propagate_down` list of the wrong length, or one that demands what is undefined.
  ///
  /// Source: BVLC Caffe, `Net::Init`.
  mutating func decideBackward(forced: Bool) throws {
    try markWhatLearns()
    try pruneFromTheLosses()
    if forced { force() }
    markGivenGradients()
  }

  private mutating func markWhatLearns() throws {
    for index in layers.indices {
      let planned = layers[index]
      let wishes = planned.parameter.propagateDown
      guard wishes.isEmpty || wishes.count == planned.bottoms.count else {
        throw CaffeError(
          "propagate_down param must be specified either 0 or bottom_size times: \(wishes.count) given, \(planned.bottoms.count) bottoms"
        ).within(planned.place)
      }
      layers[index].propagateDown = planned.bottoms.enumerated().map { position, blob in
        wishes.isEmpty ? blobs[blob].needsGradient && planned.canReach(position) : wishes[position]
      }
      layers[index].learns = planned.parameters.map {
        parameters[$0].learningRateMultiplier ?? 1 != 0
      }
      layers[index].needsBackward =
        !planned.kind.isForwardOnly
        && (layers[index].learns.contains(true)
          || planned.bottoms.contains { blobs[$0].needsGradient })
      if layers[index].needsBackward {
        for top in planned.tops { blobs[top].needsGradient = true }
      }
    }
  }

  private mutating func pruneFromTheLosses() throws {
    var underLoss: Set<Int> = []
    var cutOff: Set<Int> = []
    for index in layers.indices.reversed() {
      let planned = layers[index]
      let contributes = planned.tops.indices.contains {
        planned.lossWeights[$0] != 0 || underLoss.contains(planned.tops[$0])
      }
      let isCutOff = planned.tops.allSatisfy(cutOff.contains)
      if contributes && planned.needsBackward { try refuseGradientOfLabels(planned) }
      if !contributes || isCutOff || planned.kind.isForwardOnly {
        layers[index].needsBackward = false
        layers[index].propagateDown = planned.bottoms.map { _ in false }
      }
      for (position, blob) in planned.bottoms.enumerated() {
        if contributes && !planned.kind.isForwardOnly { underLoss.insert(blob) }
        if !layers[index].propagateDown[position] { cutOff.insert(blob) }
      }
    }
  }

  private func refuseGradientOfLabels(_ planned: PlannedLayer) throws {
    let wishes = planned.parameter.propagateDown
    for (position, blob) in planned.bottoms.enumerated()
    where planned.kind.labels.contains(position) {
      guard wishes.isEmpty ? blobs[blob].needsGradient : wishes[position] else { continue }
      throw CaffeError(
        "\(planned.kind.type) Layer cannot backpropagate to label inputs, but bottom \(position)"
          + " ('\(blobs[blob].name)') needs a gradient; set propagate_down: false for it"
      ).within(planned.place)
    }
  }

  private mutating func force() {
    for index in layers.indices where !layers[index].kind.isForwardOnly {
      layers[index].needsBackward = true
      layers[index].propagateDown = layers[index].bottoms.indices.map(layers[index].canReach)
      layers[index].learns = layers[index].declarations.map { !$0.isFixed }
    }
  }

  /// Takes all gradients away.
  mutating func dropBackward() {
    for index in layers.indices {
      layers[index].needsBackward = false
      layers[index].propagateDown = layers[index].bottoms.map { _ in false }
      layers[index].learns = layers[index].declarations.map { _ in false }
      layers[index].topHasGradient = layers[index].tops.map { _ in false }
    }
  }

  /// A top gets a gradient from its reader, from its own loss weight, or (an output of the net)
  /// from whoever calls `backward`.
  private mutating func markGivenGradients() {
    var given = Set(
      layers.filter(\.needsBackward).flatMap { planned in
        zip(planned.bottoms, planned.propagateDown).filter(\.1).map(\.0)
      })
    given.formUnion(blobs.indices.filter { blobs[$0].isOutput })
    for index in layers.indices {
      layers[index].topHasGradient = zip(layers[index].tops, layers[index].lossWeights).map {
        given.contains($0) || $1 != 0
      }
    }
  }
}

extension PlannedLayer {
  /// A gradient to this bottom is defined.
  func canReach(_ position: Int) -> Bool {
    !kind.labels.contains(position) && !kind.isForwardOnly
  }
}
