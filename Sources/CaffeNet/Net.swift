import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeLayers
import CaffeSchema

/// A graph of layers that computes blobs from blobs, and gradients back.
///
///     let net = try Net(NetParameter(contentsOfTextFile: "deploy.prototxt"), phase: .test)
///     try net.loadWeights(from: "lenet_iter_10000.caffemodel")
///     net.blob("data")?.data.values = pixels
///     try net.forward()
///     print(net.blob("prob")?.data.values ?? [])
///
/// Not thread-safe: one net belongs to one thread at a time.
public final class Net {
  public let name: String
  public let phase: Phase
  /// The net as it runs (filtered, splits inserted), without weights.
  public let description: NetParameter
  public let layers: [Layer]
  /// All learnable values and gradients that this net owns.
  public let store: ParameterStore
  /// The learnable blobs, each once, in the order of their owners.
  public let parameters: [NetParameterBlob]
  /// The tops of `Input` layers, to be filled by the caller, in order.
  public let inputs: [String]
  /// The blobs that no layer reads, in alphabetical order.
  public let outputs: [NetOutput]
  /// Names of all blobs, in the order in which they are made.
  public let blobNames: [String]
  public let clock: PassClock
  /// Whether each pass reports the mean magnitude of every blob, parameter and gradient
  /// (`debug_info`). A net that was not built so may have fused layers, whose blobs are reported as
  /// the last of them leaves them.
  public var debugInfo: Bool
  /// Whether each pass ends, with an error, at the first layer that makes a value that is not finite.
  public var detectsAnomalies = false

  /// Receives the lines of `debugInfo`.
  let debugReport: (String) -> Void
  private let reusesMemory: Bool
  package let steps: [Step]
  let sweeps: [Sweep]
  private let scratchpad: Scratchpad
  private let blobsByName: [String: Blob]
  private let layersByName: [String: Layer]
  /// The layers' names to which the learnable blobs belong.
  let owners: [ObjectIdentifier: String]

  /// What `forward` and `backward` need to know of a layer.
  package struct Step {
    package let layer: Layer
    package let place: String
    package let needsBackward: Bool
    /// A top is a bottom.
    let isInPlace: Bool
    /// The tops whose memory may go after the backward pass; empty if the net does not reuse memory.
    let discardable: [Blob]
    /// The blobs whose values may go after the forward pass; likewise.
    let ending: [Blob]
    /// The bottoms' shapes for which the layer was last prepared.
    package var shapes: ShapeMemory
  }

  package final class ShapeMemory {
    package var seen: [Shape] = []
  }

  /// Builds the net for the phase of `context` and the level and stages of `description.state`.
  ///
  /// - Parameters:
  ///   - sharing: a net whose learnable blobs this one uses, layer by layer of the same name, instead
  ///     of its own (a test net and its train net).
  ///   - catalog: the layer types it may use.
  /// - Throws: the first mistake in the description, naming net, layer and field; a net that needs more
  ///   memory than the machine has; a precision that the processor does not have.
  public init(
    _ description: NetParameter, context: LayerContext, sharing: Net? = nil,
    catalog: LayerCatalog = .standard
  ) throws {
    try context.checkPrecision()
    var description = description
    description.state.phase = context.phase
    let described = try NetPlan(description, context: context, catalog: catalog)
    let reusesMemory = context.reusesMemory && !description.debugInfo
    let runsOnlyForward = reusesMemory && context.runsOnlyForward
    let plan =
      runsOnlyForward
      ? try described.dividingBatches(above: context.mostBlobBytes, context: context) : described
    let blobs = plan.blobs.map { Blob($0.name, $0.shape) }
    let fusesLayers = context.fusesLayers && !description.debugInfo
    let fusesUnseen = fusesLayers && reusesMemory
    let served = fusesUnseen ? plan.servedReLUs() : []
    let lives = reusesMemory ? plan.livesEnding(serving: served) : []
    try withPlace(description.place) {
      try plan.checkMemory(ending: lives, ownsParameters: sharing == nil)
    }
    if reusesMemory {
      let values = blobs.reduce(0) { $0 + $1.count }
      let pool = MemoryPool(expecting: 2 * values * MemoryLayout<Float>.size)
      for blob in blobs { blob.draw(from: pool) }
      // Training keeps it to itself: there it would come on top of what backward passes need.
      if runsOnlyForward { context.scratchpad.draw(from: PooledScratch(pool)) }
    }
    let bound = try withPlace(description.place) {
      try BoundParameters(plan, sharing: sharing, seed: context.seed)
    }
    name = description.name
    phase = context.phase
    clock = context.clock
    scratchpad = context.scratchpad
    debugInfo = description.debugInfo
    debugReport = context.report
    self.description = plan.parameter
    self.reusesMemory = reusesMemory
    store = bound.store
    parameters = bound.parameters
    owners = Dictionary(
      uniqueKeysWithValues: parameters.map { (ObjectIdentifier($0.blob), $0.layer) })
    let endingBackward = reusesMemory ? plan.topsEndingBackward() : []
    let outlasting = Set(plan.sweeps.flatMap { plan.outlasting($0, lives) })
    let users = plan.layers.flatMap(\.parameters).reduce(into: [:]) { $0[$1, default: 0] += 1 }
    let followers = fusesLayers ? plan.followers() : []
    let onlyReaders = fusesUnseen && runsOnlyForward ? plan.onlyReaders(ending: lives) : []
    let (makers, splits) = fusesUnseen ? (plan.makers(), plan.splits()) : ([], [])
    steps = plan.layers.indices.compactMap { index in
      let planned = plan.layers[index]
      return planned.layer.map { layer in
        layer.bottom = planned.bottoms.map { blobs[$0] }
        layer.top = planned.tops.map { blobs[$0] }
        layer.parameters = zip(planned.parameters, planned.declarations).map {
          bound.blobs[$0].seen(as: $1.shape)
        }
        layer.mayLetParametersGo =
          runsOnlyForward && !context.keepsParameters && sharing == nil
          && planned.parameters.allSatisfy { users[$0] == 1 }
        layer.learns = planned.learns.map { $0 && planned.needsBackward }
        layer.propagateDown = planned.propagateDown
        layer.lossWeights = planned.lossWeights
        layer.topHasGradient = planned.topHasGradient
        layer.followers = fusesLayers ? followers[index] : []
        layer.makers = fusesUnseen ? makers[index] : []
        layer.servedReLUs =
          fusesUnseen
          ? served[index].map { $0.flatMap { plan.layers[$0].layer.map(Neighbour.init) } } : []
        layer.split = fusesUnseen ? splits[index] : nil
        layer.onlyReader = onlyReaders.isEmpty ? nil : onlyReaders[index]
        return Step(
          layer: layer, place: planned.place, needsBackward: planned.needsBackward,
          isInPlace: !Set(planned.bottoms).isDisjoint(with: planned.tops),
          discardable: reusesMemory ? endingBackward[index].map { blobs[$0] } : [],
          ending: reusesMemory
            ? lives[index].filter { !outlasting.contains($0) }.map { blobs[$0] } : [],
          shapes: ShapeMemory())
      }
    }
    layers = steps.map(\.layer)
    sweeps = plan.sweeps.map { sweep in
      Sweep(
        layers: sweep.layers, entries: sweep.entries.map { blobs[$0] },
        ending: plan.outlasting(sweep, lives).map { blobs[$0] }, batches: sweep.batches)
    }
    layersByName = Dictionary(layers.map { ($0.name, $0) }) { first, _ in first }
    inputs = layers.filter { $0.type == "Input" }.flatMap { $0.top.map(\.name) }
    outputs = Net.outputs(of: plan, blobs: blobs)
    blobsByName = Dictionary(blobs.map { ($0.name, $0) }) { _, last in last }
    blobNames = blobs.filter { [blobsByName] in blobsByName[$0.name] === $0 }.map(\.name)
    try reshape()
    report(described, to: context.report)
  }

  /// The blob of this name, `nil` if the net has none; after the last layer that runs in place on it.
  public func blob(_ name: String) -> Blob? { blobsByName[name] }

  /// The first layer of this name, `nil` if the net has none.
  public func layer(_ name: String) -> Layer? { layersByName[name] }

  /// Prepares every layer for the present shapes of the inputs.
  ///
  /// - Throws: when a layer cannot take its bottoms' shapes.
  public func reshape() throws {
    for step in steps { try prepare(step) }
  }

  private func prepare(_ step: Step) throws {
    try locate(step) { try step.layer.prepare() }
    step.shapes.seen = step.layer.bottom.map(\.shape)
    seedGradients(of: step.layer)
  }

  /// The gradient of the objective to its terms.
  private func seedGradients(of layer: Layer) {
    for (blob, weight) in zip(layer.top, layer.lossWeights) where weight != 0 {
      blob.diff.overwrite().update(repeating: weight, count: blob.count)
    }
  }

  func locate<Result>(_ step: Step, _ body: () throws -> Result) throws -> Result {
    try withPlace(description.place) { try withPlace(step.place, body) }
  }
}

// MARK: - Passes

extension Net {
  /// Computes all blobs and returns the objective: the sum over all loss tops of weight times values.
  ///
  /// - Throws: only for data that cannot be, naming the layer.
  @discardableResult
  public func forward() throws -> Float {
    var loss: Float = 0
    for step in steps { step.layer.leaveParameters() }
    for index in steps.indices {
      loss += try forward(layer: index)
      if debugInfo { reportForward(steps[index].layer) }
      if detectsAnomalies { try locate(steps[index]) { try checkForward(steps[index].layer) } }
    }
    clock.pass += 1
    return loss
  }

  /// Runs one layer and returns what its tops add to the objective. Where batches go through several
  /// layers in parts (`LayerContext.reusesMemory`), the first of them runs all, and the others nothing.
  @discardableResult
  public func forward(layer index: Int) throws -> Float {
    guard let sweep = sweeps.first(where: { $0.layers.contains(index) }) else {
      return try run(steps[index])
    }
    if index == sweep.layers.lowerBound { try run(sweep) }
    return 0
  }

  func run(_ step: Step) throws -> Float {
    let layer = step.layer
    let isAsPrepared =
      step.shapes.seen.count == layer.bottom.count
      && zip(step.shapes.seen, layer.bottom).allSatisfy { $0 == $1.shape }
    if !isAsPrepared { try prepare(step) }
    if !layer.isFused(.forward) { try locate(step) { try layer.forward() } }
    var loss: Float = 0
    for (blob, weight) in zip(layer.top, layer.lossWeights) where weight != 0 {
      loss += weight * Float(Vector.sum(blob.data.read(), count: blob.count))
    }
    scratchpad.rest()
    for blob in step.ending { blob.data.discard() }
    return loss
  }

  /// Computes the gradients of the objective of the last `forward`; those of parameters are added
  /// to what is there.
  ///
  /// Gradients of tops that are not losses may be put in before, and then count too.
  public func backward() throws {
    for index in steps.indices.reversed() {
      try backward(layer: index)
      guard steps[index].needsBackward else { continue }
      if debugInfo { reportBackward(steps[index].layer) }
      if detectsAnomalies { try locate(steps[index]) { try checkBackward(steps[index].layer) } }
    }
    if debugInfo { reportNorms() }
  }

  public func backward(layer index: Int) throws {
    let step = steps[index]
    // Where layers may have written over it, or passed its memory on; who looks in may put in another one.
    if reusesMemory || step.isInPlace { seedGradients(of: step.layer) }
    guard step.needsBackward, !step.layer.isFused(.backward) else { return }
    try locate(step) { try step.layer.backward(propagateDown: step.layer.propagateDown) }
    for blob in step.discardable { discard(blob, of: step.layer) }
  }

  /// Once the layer that made a blob has run backward, nobody needs the blob any more; but a view
  /// of a bottom is the bottom's memory.
  private func discard(_ blob: Blob, of layer: Layer) {
    if !layer.bottom.contains(where: { $0.data.shares(blob.data) }) { blob.data.discard() }
    if !layer.bottom.contains(where: { $0.diff.shares(blob.diff) }) { blob.diff.discard() }
  }

  /// Sets the gradients of all parameters to zero.
  public func clearGradients() { store.clearGradients() }

  /// Continues random numbers and data where a run had made `pass` forward passes.
  public func seek(toPass pass: UInt64) throws {
    clock.pass = pass
    for step in steps { try locate(step) { try step.layer.seek(toPass: pass) } }
  }
}

// MARK: - Outputs

/// A blob that no layer reads.
public struct NetOutput {
  public let blob: Blob
  /// Its weight in the objective, 0 if it is no loss.
  public let lossWeight: Float
}

extension Net {
  private static func outputs(of plan: NetPlan, blobs: [Blob]) -> [NetOutput] {
    plan.blobs.indices
      .filter { plan.blobs[$0].isOutput }
      .map { number in
        let maker = plan.blobs[number].makers.last.map { plan.layers[$0] }
        let weight = maker.flatMap { maker in
          maker.tops.firstIndex(of: number).map { maker.lossWeights[$0] }
        }
        return NetOutput(blob: blobs[number], lossWeight: weight ?? 0)
      }
      .sorted { Array($0.blob.name.utf8).lexicographicallyPrecedes(Array($1.blob.name.utf8)) }
  }
}
