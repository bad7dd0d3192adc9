import CaffeCore

/// A layer that another one, running in place on a blob, would disturb, and why.
struct Disturbed {
  let layer: String
  let reason: String
}

/// Whom layers running in place on a blob would disturb: a layer whose gradient needs the values that
/// it made, or one that reads the same memory. A blob knows, so that long chains of layers in place
/// and views need not be walked again for each.
struct BlobUse {
  private var bySignKeepers: Disturbed?
  private var byOthers: Disturbed?

  /// Caffe overwrites them all the same, and computes a wrong gradient without a word.
  func disturbed(by kind: LayerKind) -> Disturbed? { kind.keepsSign ? bySignKeepers : byOthers }

  /// Takes up that `maker` writes the blob.
  ///
  /// - Parameter viewed: the use of its bottom, if the blob is that under another shape.
  mutating func note(_ maker: PlannedLayer, viewed: BlobUse?) {
    let needsTop = Disturbed(
      layer: maker.parameter.name, reason: "needs its top for the gradient")
    let use = maker.kind.outputUse(maker.parameter)
    if use == .values { bySignKeepers = bySignKeepers ?? needsTop }
    if use != .nothing { byOthers = byOthers ?? needsTop }
    guard let viewed else { return }
    let others =
      maker.tops.count == 1
      ? nil
      : Disturbed(layer: maker.parameter.name, reason: "gives the same values to other layers")
    bySignKeepers = bySignKeepers ?? others ?? viewed.bySignKeepers
    byOthers = byOthers ?? others ?? viewed.byOthers
  }
}

extension NetPlan {
  /// For each layer, the first ones that work in place on its only top before anyone else reads it, in
  /// their order: as many as a layer may fuse.
  func followers() -> [[Layer]] {
    var followers = Array(repeating: [Layer](), count: layers.count)
    for blob in blobs {
      for (place, maker) in blob.makers.enumerated() where layers[maker].tops.count == 1 {
        followers[maker] = blob.makers[(place + 1)...].prefix(Layer.mostFollowers)
          .compactMap { layers[$0].layer }
      }
    }
    return followers
  }

  /// For each layer, the layers that write its bottoms, unless its tops are these bottoms.
  func makers() -> [[[Neighbour]]] {
    layers.map { layer in
      guard !layer.isView, Set(layer.bottoms).isDisjoint(with: layer.tops) else { return [] }
      return layer.bottoms.map {
        blobs[$0].makers.compactMap { layers[$0].layer.map(Neighbour.init) }
      }
    }
  }

  /// For each layer, the Split that reads its only top.
  func splits() -> [Layer?] {
    var splits = [Layer?](repeating: nil, count: layers.count)
    for split in layers where split.kind.topMemory == .view {
      for maker in blobs[split.bottoms[0]].makers where layers[maker].tops.count == 1 {
        splits[maker] = split.layer
      }
    }
    return splits
  }
}

extension PlannedLayer {
  /// Whether the tops are the bottom under other shapes.
  package var isView: Bool {
    switch kind.topMemory {
    case .own: false
    case .viewOfOnlyBottom: bottoms.count == 1 && tops.count == 1 && bottoms != tops
    case .view: true
    }
  }
}
