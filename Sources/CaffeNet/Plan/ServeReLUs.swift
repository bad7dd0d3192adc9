import CaffeCore

extension NetPlan {
  /// For each layer and each of its bottoms, the ReLU in place on that, if the layer is to compute the
  /// ReLU's gradient with its own, from its own top: nobody needs the bottom's values for it then. The top
  /// is as it was made: no layer runs in place on it or on a view of it. Empty for most layers.
  package func servedReLUs() -> [[Int?]] {
    let owners = owners()
    var writers: [Int: Set<Int>] = [:]
    for (index, layer) in layers.enumerated() where !layer.isView {
      for top in layer.tops { writers[owners[top], default: []].insert(index) }
    }
    return layers.enumerated().map { index, layer in
      guard layer.needsBackward, !layer.isView, layer.kind.servesReLUs(layer.parameter),
        layer.tops.allSatisfy({ writers[$0] == [index] })
      else { return [] }
      return zip(layer.bottoms, layer.propagateDown).map { $1 ? servedReLU(on: $0) : nil }
    }
  }

  private func servedReLU(on blob: Int) -> Int? {
    let makers = blobs[blob].makers.map { layers[$0] }
    guard makers.count > 1, makers.last?.kind.type == "ReLU",
      !makers.contains(where: \.kind.takesReLUsBehind)
    else { return nil }
    return blobs[blob].makers.last
  }
}
