import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// A stretch of layers through which a batch goes in micro-batches, one after the other.
struct PlannedSweep {
  /// From the layers that take a micro-batch to those that join what has become of them.
  var layers: Range<Int>
  /// The blobs of the whole batch that go into it.
  var entries: [Int]
  let batches: MicroBatches
}

extension NetPlan {
  /// The plan of a net that only runs forward, in which batches go through layers in micro-batches
  /// wherever the values of whole ones would take more memory than `bytes` at the same time.
  ///
  /// Only layers that treat items alone are in such a sweep. It begins with the first of them, and ends
  /// where little has to be put together again.
  package func dividingBatches(above bytes: Int, context: LayerContext) throws -> NetPlan {
    let live = liveCounts(ending: livesEnding(), onlyEnding: true)
      .map { $0 * MemoryLayout<Float>.size }
    var plan = self
    // The last one first: those before it keep their numbers.
    for stretch in itemwiseStretches().reversed() {
      guard let last = stretch.last(where: { live[$0] > bytes }) else { continue }
      let layers = closed(
        downhill(from: stretch.lowerBound..<last + 1, within: stretch), within: stretch)
      guard let first = layers.first else { continue }
      let items = blobs[self.layers[first].bottoms[0]].shape[0]
      let peak = layers.map { live[$0] }.max() ?? 0
      let most = max(Threads.count, bytes / max(1, peak / items))
      guard most < items else { continue }
      try plan.sweep(layers, in: MicroBatches(mostItems: most), context: context)
    }
    return plan
  }
}

// MARK: - Where

extension NetPlan {
  /// The longest stretches of layers that treat the items of their bottoms, as many in each, alone.
  private func itemwiseStretches() -> [Range<Int>] {
    var stretches: [Range<Int>] = []
    var start: Int?
    for index in layers.indices {
      if let begin = start, !continues(begin, with: index) {
        stretches.append(begin..<index)
        start = nil
      }
      if start == nil, continues(index, with: index) { start = index }
    }
    if let start { stretches.append(start..<layers.count) }
    return stretches
  }

  /// Whether the layer may be in a sweep that begins with the layer `first`.
  private func continues(_ first: Int, with index: Int) -> Bool {
    let layer = layers[index]
    let bottoms = layer.bottoms.map { blobs[$0].shape }
    guard let own = layers[first].bottoms.first, let items = blobs[own].shape.dimensions.first,
      items > 1, layer.lossWeights.allSatisfy({ $0 == 0 }),
      layer.layer?.treatsItemsAlone(for: bottoms) ?? false
    else { return false }
    return (layer.bottoms + layer.tops).allSatisfy { blobs[$0].shape.dimensions.first == items }
      && layer.tops.allSatisfy { blobs[$0].makers[0] >= first }
  }

  /// So many layers more that less has to be put together, as long as no layer on the way leaves more.
  private func downhill(from layers: Range<Int>, within stretch: Range<Int>) -> Range<Int> {
    let lastReaders = lastReaders()
    var left = Set(exits(of: layers))
    var (best, least) = (layers, Int.max)
    for end in layers.upperBound - 1..<stretch.upperBound {
      left.formUnion(self.layers[end].tops)
      left.subtract(self.layers[end].bottoms.filter { lastReaders[$0] == end })
      let count = left.reduce(0) { $0 + blobs[$1].shape.count }
      guard count <= least else { break }
      if count < least { (best, least) = (layers.lowerBound..<end + 1, count) }
    }
    return best
  }

  /// For each blob, the last layer that reads it, or one past all layers if it is an output of the net.
  private func lastReaders() -> [Int] {
    var readers = blobs.map { $0.isOutput ? layers.count : -1 }
    for (index, layer) in layers.enumerated() {
      for bottom in layer.bottoms { readers[bottom] = max(readers[bottom], index) }
    }
    return readers
  }

  /// The blobs that these layers make and others read, or the net's user.
  private func exits(of range: Range<Int>) -> [Int] {
    let lastReaders = lastReaders()
    return Set(layers[range].flatMap(\.tops))
      .filter { lastReaders[$0] >= range.upperBound }.sorted()
  }

  /// So many layers more that nobody outside works in place on a blob that is made in the stretch; none
  /// where that cannot be.
  private func closed(_ layers: Range<Int>, within stretch: Range<Int>) -> Range<Int> {
    var end = layers.upperBound
    var index = layers.lowerBound
    while index < end {
      for top in self.layers[index].tops {
        guard let last = blobs[top].makers.last else { continue }
        guard stretch.contains(last) else { return index..<index }
        end = max(end, last + 1)
      }
      index += 1
    }
    return layers.lowerBound..<end
  }
}

// MARK: - Lives

extension NetPlan {
  /// The blobs from outside of a sweep that end with one of its layers: the next micro-batch needs them.
  ///
  /// - Parameter ending: of `livesEnding`.
  func outlasting(_ sweep: PlannedSweep, _ ending: [[Int]]) -> [Int] {
    ending[sweep.layers].joined().filter { blobs[$0].makers[0] < sweep.layers.lowerBound }
  }
}

// MARK: - How

extension NetPlan {
  /// Puts layers that take and join micro-batches around these.
  private mutating func sweep(
    _ range: Range<Int>, in batches: MicroBatches, context: LayerContext
  ) throws {
    let made = Set(layers[range].flatMap(\.tops))
    let entries = Set(layers[range].flatMap(\.bottoms)).subtracting(made).sorted()
    let exits = exits(of: range)
    let items = blobs[entries[0]].shape[0]
    let size = batches.size(of: items)

    for blob in made { blobs[blob].shape = try blobs[blob].shape.ofItems(size) }
    let takers = try entries.map { entry in
      let part = addBlob("\(blobs[entry].name)_micro_batch", try blobs[entry].shape.ofItems(size))
      replaceBottoms(entry, by: part, in: range)
      return try planned(
        TakeMicroBatchLayer.kind, [entry], part, in: batches, context: context)
    }
    let joiners = try exits.map { exit in
      let whole = addBlob(blobs[exit].name, try blobs[exit].shape.ofItems(items))
      replaceBottoms(exit, by: whole, in: range.upperBound..<layers.count)
      for later in sweeps.indices {
        sweeps[later].entries = sweeps[later].entries.map { $0 == exit ? whole : $0 }
      }
      blobs[whole].isOutput = blobs[exit].isOutput
      blobs[exit].isOutput = false
      return try planned(
        JoinMicroBatchesLayer.kind, [exit, entries[0]], whole, in: batches, context: context)
    }
    layers.insert(contentsOf: joiners, at: range.upperBound)
    layers.insert(contentsOf: takers, at: range.lowerBound)
    renumber(around: range, takers: takers.count, joiners: joiners.count)
    sweeps.insert(
      PlannedSweep(
        layers: range.lowerBound..<range.upperBound + takers.count + joiners.count,
        entries: entries, batches: batches), at: 0)
  }

  private mutating func addBlob(_ name: String, _ shape: Shape) -> Int {
    blobs.append(PlannedBlob(name: name, shape: shape))
    return blobs.count - 1
  }

  private mutating func replaceBottoms(_ old: Int, by new: Int, in range: Range<Int>) {
    for index in range {
      layers[index].bottoms = layers[index].bottoms.map { $0 == old ? new : $0 }
    }
  }

  /// A layer of the net's own, which only runs forward.
  private func planned(
    _ kind: LayerKind, _ bottoms: [Int], _ top: Int, in batches: MicroBatches,
    context: LayerContext
  ) throws -> PlannedLayer {
    var parameter = LayerParameter()
    parameter.name = "\(blobs[top].name)_\(kind.type)"
    parameter.type = kind.type
    parameter.bottom = bottoms.map { blobs[$0].name }
    parameter.top = [blobs[top].name]
    var planned = PlannedLayer(
      parameter: parameter, kind: kind, bottoms: bottoms, tops: [top], lossWeights: [0])
    planned.layer = try kind.make(parameter, context)
    (planned.layer as? MicroBatchLayer)?.batches = batches
    planned.propagateDown = bottoms.map { _ in false }
    planned.topHasGradient = [false]
    return planned
  }

  /// Mends what counts layers.
  private mutating func renumber(around range: Range<Int>, takers: Int, joiners: Int) {
    func moved(_ layer: Int) -> Int {
      layer + (layer >= range.lowerBound ? takers : 0) + (layer >= range.upperBound ? joiners : 0)
    }
    for index in parameters.indices {
      let owner = parameters[index].owner
      parameters[index].owner = (moved(owner.layer), owner.index)
    }
    for index in sweeps.indices {
      let layers = sweeps[index].layers
      sweeps[index].layers = moved(layers.lowerBound)..<moved(layers.upperBound - 1) + 1
    }
    for blob in blobs.indices { blobs[blob].makers = [] }
    for (index, layer) in layers.enumerated() {
      for top in layer.tops { blobs[top].makers.append(index) }
    }
  }
}
