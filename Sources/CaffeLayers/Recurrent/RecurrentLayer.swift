import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// What LSTM and RNN share: a state that goes from step to step, and weights on input and state.
///
/// At each step t the layer sums up a = W_x·x_t + b (+ W_static·x_static) + W_h·(cont_t · h_t₋₁); a
/// subclass makes the next state of it. The products with the input are one for all steps.
///
/// Learns: W_x `[g·units, inputs]`, b `[g·units]`, W_static `[g·units, statics]` if there is a static
/// input, W_h `[g·units, units]`, with g sums for each unit; then what the subclass adds.
///
/// Unless `expose_hidden` is set, the state after the last step is the one before the first step of the
/// next pass, zeros at first; snapshots keep it. A pass that is run again begins as it did before. A
/// change of the number of streams begins with zeros.
///
/// Source: BVLC Caffe, `recurrent_layer.cpp`.
class RecurrentLayer: Layer {
  final let settings: RecurrentSettings
  /// Sums for each unit.
  private let sumsPerUnit: Int
  final private(set) var extents = RecurrentExtents(steps: 0, streams: 0, inputs: 0, statics: 0)

  /// a at each step, `[steps, streams, sumsPerUnit, units]`, and its gradients.
  final let sums = Tensor([0])
  final let sumGradients = Tensor([0])
  /// cont · h before each step: `[steps, streams, units]`.
  private let continued = Tensor([0])
  private let statics = Tensor([0])
  /// The state before the first step and after the last one.
  private let starts: [Tensor]
  private let ends: [Tensor]
  private let stateGradients: [Tensor]
  private var product: (any RecurrentProduct)?
  /// Of all steps at once: with the input, of the static input, and of the state for the gradient of its
  /// weights.
  private var inputProduct: (any InnerProductOperation)?
  private var staticProduct: (any InnerProductOperation)?
  private var stateProduct: (any InnerProductOperation)?
  /// The pass that `starts` belongs to.
  private var startedPass: UInt64?

  init(
    _ parameter: LayerParameter, context: LayerContext, states: Int, sumsPerUnit: Int
  ) throws {
    settings = try RecurrentSettings(parameter, states: states)
    self.sumsPerUnit = sumsPerUnit
    starts = (0..<states).map { _ in Tensor([0]) }
    ends = (0..<states).map { _ in Tensor([0]) }
    stateGradients = (0..<states).map { _ in Tensor([0]) }
    try super.init(parameter, context: context)
    if parameter.recurrentParam.debugInfo {
      context.report("recurrent_param.debug_info has no effect: there is no unrolled net")
    }
  }

  // MARK: For subclasses

  /// The states after each step, `[steps, streams, units]` each; h comes first.
  var states: [Tensor] { preconditionFailure("\(Self.self) has no states") }

  /// Writes the states of a step's units from their sums and the states before. Other threads do so for
  /// other units.
  func advance(_ step: RecurrentStep) {
    preconditionFailure("\(Self.self) does not advance")
  }

  /// Makes the first top of the states, if they are not the top itself.
  func finishForward() {}

  /// The gradients of h after each step as the first top gives them, `[steps, streams, units]`.
  func startBackward() -> UnsafePointer<Float> {
    preconditionFailure("\(Self.self) has no gradients")
  }

  /// Writes the gradients of the sums of a step's units, given those of the states after it; those of
  /// states other than h become the gradients before the step. Other threads do so for other units.
  func retreat(
    _ step: RecurrentStep, gradients: [UnsafeMutablePointer<Float>],
    into sumGradients: UnsafeMutablePointer<Float>
  ) {
    preconditionFailure("\(Self.self) does not retreat")
  }

  final var units: Int { settings.units }
  /// Sums at one step of one stream.
  final var sumCount: Int { sumsPerUnit * units }
  /// Values of a state.
  final var stateCount: Int { extents.streams * units }
  /// The place of W_h among the parameters.
  final var recurrentWeights: Int { settings.hasStatic ? 3 : 2 }

  /// The values of state `index` before the first step.
  private func start(_ index: Int) -> UnsafePointer<Float> {
    settings.exposesHidden
      ? bottom[settings.firstState + index].data.read() : starts[index].read()
  }

  // MARK: Layer

  override func parameterDeclarations(for bottoms: [Shape]) throws -> [ParameterDeclaration] {
    let extents = try settings.extents(bottoms)
    let recurrent = parameter.recurrentParam
    func weights(_ inputs: Int) throws -> ParameterDeclaration {
      ParameterDeclaration(shape: try Shape([sumCount, inputs]), filler: recurrent.weightFiller)
    }
    let bias = ParameterDeclaration(shape: try Shape([sumCount]), filler: recurrent.biasFiller)
    return try [weights(extents.inputs), bias]
      + (settings.hasStatic ? [weights(extents.statics)] : []) + [weights(units)]
  }

  override func outputShapes(for bottoms: [Shape]) throws -> [Shape] {
    let extents = try settings.extents(bottoms)
    if let weights = parameters.first {
      try check(extents.inputs, weights, "input")
      if settings.hasStatic { try check(extents.statics, parameters[2], "static input") }
    }
    let state = try Shape([1, extents.streams, units])
    return [try Shape([extents.steps, extents.streams, units])]
      + (settings.exposesHidden ? starts.map { _ in state } : [])
  }

  /// The static input meets its weights once, all else at each step.
  override func multiplyAdds(for bottoms: [Shape]) throws -> Int {
    let extents = try settings.extents(bottoms)
    let matrices = try parameterDeclarations(for: bottoms).map(\.shape).filter { $0.axes > 1 }
    let statics = settings.hasStatic ? sumCount * extents.statics : 0
    let stepwise = matrices.reduce(0) { $0 + $1.count } - statics
    return extents.positions * stepwise + extents.streams * statics
  }

  private func check(_ inputs: Int, _ weights: Blob, _ name: String) throws {
    guard inputs == weights.shape[1] else {
      throw CaffeError(
        "each step of the \(name) has \(inputs) values, the weights take \(weights.shape[1])")
    }
  }

  override func reshape() throws {
    let previous = extents
    extents = try settings.extents(bottom.map(\.shape))
    let all = try Shape([extents.steps, extents.streams, sumCount])
    sums.reshape(all)
    sumGradients.reshape(all)
    continued.reshape(try Shape([extents.steps, extents.streams, units]))
    statics.reshape(try Shape([settings.hasStatic ? extents.streams : 0, sumCount]))
    let state = try Shape([1, extents.streams, units])
    for tensor in starts + ends + stateGradients { tensor.reshape(state) }
    if extents.streams != previous.streams { forget() }
    product = try choose(named: nil) {
      guard isOneDNNWanted(nil) || context.precision == .bfloat16 else {
        throw EngineRefusal("our loops on weights in panels are faster")
      }
      let product = try OneDNNRecurrentProduct(
        streams: extents.streams, units: units, sums: sumCount, precision: context.precision,
        hasGradient: !wantedGradients.isEmpty, scratchpad: context.scratchpad)
      engine.implementation = product.implementation
      return product
    } caffe: {
      let product = PanelRecurrentProduct(
        streams: extents.streams, units: units, sumsPerUnit: sumsPerUnit,
        precision: context.precision, hasGradient: !wantedGradients.isEmpty)
      engine.implementation = product.implementation
      return product
    }
    inputProduct = try inputProduct(of: makers.first ?? [])
    stateProduct =
      wantedGradients.contains(.weights)
      ? try innerProduct(
        rows: extents.positions, weights: parameters[recurrentWeights], gradients: .weights) : nil
    staticProduct =
      settings.hasStatic
      ? try innerProduct(
        rows: extents.streams, weights: parameters[2], gradients: wantedGradients) : nil
  }

  /// - Parameter makers: of the input, if nobody else may look at it.
  private func inputProduct(of makers: [Neighbour]) throws -> any InnerProductOperation {
    func product(_ rows: Int) throws -> any InnerProductOperation {
      try innerProduct(
        rows: rows, weights: parameters[0], hasBias: true, gradients: wantedGradients)
    }
    guard makers.count == 1, let embed = makers[0].layer as? EmbedLayer,
      embed.bottom[0].count == extents.positions, case let repeats = embed.notedRepeats(),
      repeats.capacity > 0
    else { return try product(extents.positions) }
    return try EmbeddedProduct(
      of: repeats, inputs: extents.inputs, outputs: sumCount, product)
  }

  override func seek(toPass pass: UInt64) throws { forget() }

  override var carriedState: [Tensor] { settings.exposesHidden ? [] : ends }

  private func forget() {
    startedPass = nil
    for tensor in starts + ends { Vector.fill(tensor.overwrite(), with: 0, count: tensor.count) }
  }

  override func forward() throws {
    takeUpState()
    let rows = try projectInputs()
    let steps = steps(
      sums: sums.update(), from: rows, states: states.map { $0.overwrite() })
    nonisolated(unsafe) let (layer, continued) = (self, continued.overwrite())
    @Sendable func begin(_ step: RecurrentStep) {
      ColumnKernel.scale(
        step.before(0), by: step.continuing, step.columns,
        into: continued + step.index * steps.stateCount)
    }
    if steps.count > 0 { begin(steps[0]) }
    for index in 0..<steps.count {
      let step = steps[index]
      product?.forward(
        continued + index * stateCount, weights: parameters[recurrentWeights].data,
        from: step.start, into: step.sums
      ) { units in
        layer.advance(steps[index, units])
        if index + 1 < steps.count { begin(steps[index + 1, units]) }
      }
    }
    for (index, end) in ends.enumerated() {
      let last = steps[steps.count].before(index)
      Vector.copy(last, count: stateCount, into: end.overwrite())
      if settings.exposesHidden {
        Vector.copy(last, count: stateCount, into: top[1 + index].data.overwrite())
      }
    }
    finishForward()
  }

  private func steps(
    sums: UnsafeMutablePointer<Float>, from rows: RowLookup? = nil,
    states: [UnsafeMutablePointer<Float>]
  ) -> RecurrentSteps {
    RecurrentSteps(
      count: extents.steps, streams: extents.streams, units: units, sumsPerUnit: sumsPerUnit,
      sums: sums, keepsSums: self.sums.shape[0] == extents.steps, rows: rows,
      continuing: bottom[1].data.read(), starts: states.indices.map(start), states: states)
  }

  /// A new pass begins where the last one ended; the same pass begins where it began.
  private func takeUpState() {
    if startedPass != context.clock.pass {
      for (start, end) in zip(starts, ends) {
        Vector.copy(end.read(), count: stateCount, into: start.overwrite())
      }
    }
    startedPass = context.clock.pass
  }

  /// sums ← x·W_xᵀ + b (+ static·W_staticᵀ)
  ///
  /// - Returns: where each row of the sums is instead, in the order of the steps; the sums have no values
  ///   then, and only room for one step where nobody asks for them after it.
  private func projectInputs() throws -> RowLookup? {
    if !settings.hasStatic, let words = inputProduct as? EmbeddedProduct,
      let rows = words.forward(
        bottom[0].data, weights: parameters[0].data, bias: parameters[1].data)
    {
      try makeRoomForSums(steps: wantedGradients.isEmpty ? min(1, extents.steps) : extents.steps)
      return rows
    }
    try makeRoomForSums(steps: extents.steps)
    inputProduct?.forward(
      bottom[0].data, weights: parameters[0].data, bias: parameters[1].data, into: sums)
    addStaticInput()
    return nil
  }

  private func makeRoomForSums(steps: Int) throws {
    if sums.shape[0] != steps { sums.reshape(try Shape([steps, extents.streams, sumCount])) }
  }

  private func addStaticInput() {
    guard let staticProduct else { return }
    staticProduct.forward(
      bottom[2].data, weights: parameters[2].data, bias: nil, into: statics)
    let count = extents.streams * sumCount
    Blocks.copy(
      statics.read(), strides: [0, 1], extents: [extents.steps, count], adding: true,
      into: sums.update(), strides: [count, 1])
  }

  override func backward(propagateDown: [Bool]) throws {
    nonisolated(unsafe) let (layer, upstream) = (self, startBackward())
    nonisolated(unsafe) let (gradients, target) = (finalGradients(), sumGradients.overwrite())
    let steps = steps(
      sums: UnsafeMutablePointer(mutating: sums.read()),
      states: states.map { UnsafeMutablePointer(mutating: $0.read()) })
    @Sendable func retreat(_ step: RecurrentStep) {
      ColumnKernel.add(
        gradients[0], upstream + step.index * steps.stateCount, step.columns, into: gradients[0])
      layer.retreat(step, gradients: gradients, into: target + step.index * steps.sumCount)
    }
    if steps.count > 0 { retreat(steps[steps.count - 1]) }
    for index in (0..<steps.count).reversed() {
      product?.backward(
        target + index * steps.sumCount, weights: parameters[recurrentWeights].data,
        into: gradients[0]
      ) { units in
        let step = steps[index, units]
        ColumnKernel.scale(
          gradients[0], by: step.continuing, step.columns, into: gradients[0])
        if index > 0 { retreat(steps[index - 1, units]) }
      }
    }
    addParameterGradients()
    propagate(down: propagateDown)
  }

  /// The gradients of the states after the last step: those of the tops that show them, else zero.
  private func finalGradients() -> [UnsafeMutablePointer<Float>] {
    stateGradients.enumerated().map { index, tensor in
      let target = tensor.overwrite()
      if settings.exposesHidden {
        Vector.copy(top[1 + index].diff.read(), count: stateCount, into: target)
      } else {
        Vector.fill(target, with: 0, count: stateCount)
      }
      return target
    }
  }

  private func addParameterGradients() {
    addGradients(inputProduct, bottom[0].data, sumGradients, weights: 0, bias: 1)
    addGradients(stateProduct, continued, sumGradients, weights: recurrentWeights)
    guard settings.hasStatic else { return }
    // A static input had its part in every step.
    let sum = statics.overwrite()
    Vector.fill(sum, with: 0, count: statics.count)
    ChannelKernel.addSums(
      sumGradients.read(),
      over: ChannelExtents(outer: extents.steps, channels: statics.count), into: sum)
    addGradients(staticProduct, bottom[2].data, statics, weights: 2)
  }

  /// Adds to the gradients of a product's weights and bias, given as places among the parameters, as far
  /// as they learn.
  final func addGradients(
    _ product: (any InnerProductOperation)?, _ input: Tensor, _ outputGradient: Tensor,
    weights: Int, bias: Int? = nil
  ) {
    let learned = [weights, bias].map { $0.flatMap { learns[$0] ? parameters[$0].diff : nil } }
    guard learned.contains(where: { $0 != nil }) else { return }
    product?.backwardWeights(
      input, outputGradient: outputGradient, addingTo: learned[0], bias: learned[1])
  }

  private func propagate(down: [Bool]) {
    if down[0] {
      inputProduct?.backwardData(
        sumGradients, weights: parameters[0].data, into: bottom[0].diff)
    }
    if settings.hasStatic && down[2] {
      staticProduct?.backwardData(statics, weights: parameters[2].data, into: bottom[2].diff)
    }
    for (index, blob) in bottom.enumerated().dropFirst(settings.firstState) where down[index] {
      Vector.copy(
        stateGradients[index - settings.firstState].read(), count: stateCount,
        into: blob.diff.overwrite())
    }
  }
}
