import CaffeCore

extension NetPlan {
  /// The layer that a layer of `kind` would disturb by writing over blob `number`, and why: one whose
  /// gradient needs the values that it made, or one that reads the same memory.
  ///
  /// Caffe overwrites them all the same, and computes a wrong gradient without a word.
  func disturbed(by kind: LayerKind, writing number: Int) -> (layer: String, reason: String)? {
    var number = number
    while true {
      let makers = blobs[number].makers.map { layers[$0] }
      if let reader = makers.first(where: { $0.needsOutputs(besides: kind) }) {
        return (reader.parameter.name, "needs its top for the gradient")
      }
      guard let maker = makers.first, maker.isView else { return nil }
      guard maker.tops.count == 1 else {
        return (maker.parameter.name, "gives the same values to other layers")
      }
      number = maker.bottoms[0]
    }
  }
}

extension NetPlan {
  /// The layers that work in place on the only top of layer `index` before anyone else reads it, in
  /// their order.
  func followers(of index: Int) -> [Layer] {
    guard layers[index].tops.count == 1 else { return [] }
    let makers = blobs[layers[index].tops[0]].makers
    return makers.drop { $0 <= index }.compactMap { layers[$0].layer }
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

  fileprivate func needsOutputs(besides writer: LayerKind) -> Bool {
    switch kind.outputUse(parameter) {
    case .nothing: false
    case .sign: !writer.keepsSign
    case .values: true
    }
  }
}
