import CaffeCore

extension NetPlan {
  /// For each layer, the blobs whose values nobody needs once it has run forward: no layer reads them
  /// later, on the way up or for a gradient, and they are no output of the net.
  ///
  /// A blob stands for all its views. What layers without bottoms make stays, since some make it only
  /// once (constants, values that the caller puts in).
  ///
  /// - Parameter served: of `servedReLUs`, where layers are fused.
  package func livesEnding(serving served: [[Int?]] = []) -> [[Int]] {
    let owners = owners()
    let relus = Set(served.joined().compactMap { $0 })
    let servers = served.indices.filter { served[$0].contains { $0 != nil } }
    var staying = Set(blobs.indices.filter { blobs[$0].isOutput }.map { owners[$0] })
    for server in servers { staying.formUnion(layers[server].tops.map { owners[$0] }) }
    var lastReaders: [Int: Int] = [:]
    for (index, layer) in layers.enumerated() {
      for bottom in layer.bottoms { lastReaders[owners[bottom]] = index }
      if layer.gradientReadsBottoms {
        let tops = Set(layer.tops.map { owners[$0] })
        // What a layer runs in place on, it keeps.
        staying.formUnion(layer.bottoms.map { owners[$0] }.filter { !tops.contains($0) })
      }
      if layer.bottoms.isEmpty || layer.gradientReadsTops && !relus.contains(index) {
        staying.formUnion(layer.tops.map { owners[$0] })
      }
    }
    var ends = Array(repeating: [Int](), count: layers.count)
    for (blob, reader) in lastReaders where !staying.contains(blob) { ends[reader].append(blob) }
    return ends
  }

  /// For each layer, the tops that nobody needs once it has run backward: neither in the objective nor,
  /// under whatever shape and name, outputs of the net.
  func topsEndingBackward() -> [[Int]] {
    let owners = owners()
    let outputs = Set(blobs.indices.filter { blobs[$0].isOutput }.map { owners[$0] })
    return layers.map { layer in
      zip(layer.tops, layer.lossWeights)
        .filter { $1 == 0 && !outputs.contains(owners[$0]) }.map(\.0)
    }
  }

  /// For each blob, the one whose memory it is.
  func owners() -> [Int] {
    var owners = Array(blobs.indices)
    for layer in layers where layer.isView {
      for top in layer.tops { owners[top] = owners[layer.bottoms[0]] }
    }
    return owners
  }
}

extension PlannedLayer {
  fileprivate var gradientReadsBottoms: Bool {
    needsBackward && !isView && kind.gradientReadsBottoms(parameter)
  }

  fileprivate var gradientReadsTops: Bool {
    needsBackward && !isView && kind.outputUse(parameter) != .nothing
  }
}
