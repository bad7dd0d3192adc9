import CaffeCore

extension NetPlan {
  /// For each layer, the blobs whose values nobody needs once it has run forward: no layer reads them
  /// later, on the way up or for a gradient, and they are no output of the net.
  ///
  /// A blob stands for all its views. What layers without bottoms make stays, since some make it only
  /// once (constants, values that the caller puts in).
  package func livesEnding() -> [[Int]] {
    var ends = Array(repeating: [Int](), count: layers.count)
    let owners = owners()
    for owner in blobs.indices where owners[owner] == owner {
      let family = blobs.indices.filter { owners[$0] == owner }
      let makers = family.flatMap { blobs[$0].makers }.map { layers[$0] }
      let readers = layers.indices.filter { !Set(layers[$0].bottoms).isDisjoint(with: family) }
      guard let last = readers.last, family.allSatisfy({ !blobs[$0].isOutput }),
        readers.allSatisfy({ !layers[$0].gradientReads(anyOf: family) }),
        makers.allSatisfy({ !$0.gradientReadsTops && !$0.bottoms.isEmpty })
      else { continue }
      ends[last].append(owner)
    }
    return ends
  }

  /// For each blob, the one whose memory it is.
  private func owners() -> [Int] {
    var owners = Array(blobs.indices)
    for layer in layers where layer.isView {
      for top in layer.tops { owners[top] = owners[layer.bottoms[0]] }
    }
    return owners
  }
}

extension PlannedLayer {
  /// Whether the gradient reads one of these as a bottom; what a layer runs in place on, it keeps.
  fileprivate func gradientReads(anyOf blobs: [Int]) -> Bool {
    needsBackward && !isView && kind.gradientReadsBottoms(parameter)
      && bottoms.contains { blobs.contains($0) && !tops.contains($0) }
  }

  fileprivate var gradientReadsTops: Bool {
    needsBackward && !isView && kind.outputUse(parameter) != .nothing
  }
}
