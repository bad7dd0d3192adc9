import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Both passes of a pooling on one engine, for one geometry.
protocol PoolingOperation {
  /// Overwrites `output` and, if there is one, `mask`.
  func forward(_ input: Tensor, pass: UInt64, into output: Tensor, mask: Tensor?)
  /// Overwrites `inputGradient`, for the windows of the last `forward`.
  func backward(_ outputGradient: Tensor, into inputGradient: Tensor)
}

/// C loops in plain order; every method.
final class CaffePoolingOperation: PoolingOperation {
  private let pooling: ReferencePooling
  private let method: PoolingParameter.PoolMethod
  /// The random numbers of STOCHASTIC in training, `nil` where it takes the expectation.
  private let random: RandomStream?
  /// For each output, the cell of its plane that the value came from.
  private var chosen: [Int32] = []

  init(
    _ geometry: PoolingGeometry, method: PoolingParameter.PoolMethod, random: RandomStream?
  ) throws {
    pooling = try ReferencePooling(geometry)
    self.method = method
    self.random = random
    if method != .ave { chosen = Array(repeating: 0, count: geometry.outputCount) }
  }

  func forward(_ input: Tensor, pass: UInt64, into output: Tensor, mask: Tensor?) {
    let source = input.read()
    let target = output.overwrite()
    chosen.withUnsafeMutableBufferPointer { chosen in
      switch (method, chosen.baseAddress) {
      case (.max, let cells?): pooling.maximum(source, mask: cells, into: target)
      case (.stochastic, let cells?):
        sample(source, count: output.count, pass: pass, cells: cells, into: target)
      default: pooling.average(source, into: target)
      }
    }
    if let mask { mask.values = chosen.map(Float.init) }
  }

  private func sample(
    _ source: UnsafePointer<Float>, count: Int, pass: UInt64,
    cells: UnsafeMutablePointer<Int32>, into target: UnsafeMutablePointer<Float>
  ) {
    guard let random else {
      pooling.expectation(source, into: target)
      return
    }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { draws in
      guard let start = draws.baseAddress else { return }
      random.uniform(into: start, count: count, pass: pass)
      pooling.sample(source, random: start, mask: cells, into: target)
    }
  }

  func backward(_ outputGradient: Tensor, into inputGradient: Tensor) {
    let gradient = outputGradient.read()
    let target = inputGradient.overwrite()
    chosen.withUnsafeBufferPointer { chosen in
      if let cells = chosen.baseAddress, method != .ave {
        pooling.backward(gradient, mask: cells, into: target)
      } else {
        pooling.averageBackward(gradient, into: target)
      }
    }
  }
}

/// C loops in the packed order that the bottom has; MAX and AVE.
struct PackedPoolingOperation: PoolingOperation {
  private let pooling: PackedPooling
  private let inputOrder: any PackedLayout
  /// The order the output will have.
  let outputOrder: any PackedLayout

  /// `nil` for a bottom, a method or a geometry that these loops do not take.
  init?(_ geometry: PoolingGeometry, method: PoolingParameter.PoolMethod, bottom: Tensor) {
    guard method != .stochastic, let order = bottom.layout, let runs = order.channelRuns,
      let outputOrder = order.resized(
        to: [geometry.batch, geometry.channels] + geometry.output),
      let pooling = try? PackedPooling(
        geometry, method: method == .max ? .maximum : .average, runs: runs)
    else { return nil }
    self.pooling = pooling
    self.outputOrder = outputOrder
    inputOrder = order
  }

  func forward(_ input: Tensor, pass: UInt64, into output: Tensor, mask: Tensor?) {
    pooling.forward(input.read(in: inputOrder), into: output.overwrite(in: outputOrder))
  }

  func backward(_ outputGradient: Tensor, into inputGradient: Tensor) {
    pooling.backward(
      outputGradient.read(in: outputOrder), into: inputGradient.overwrite(in: inputOrder))
  }
}

/// oneDNN, in the packed order that the bottom has.
struct OneDNNPoolingOperation: PoolingOperation {
  private let pooling: OneDNNPooling

  /// - Parameter isNamed: the prototxt asks for this engine, so a plain bottom is packed for it.
  /// - Throws: `EngineRefusal` for a method, an order or a geometry that oneDNN does not take.
  init(
    _ geometry: PoolingGeometry, method: PoolingParameter.PoolMethod, isTrained: Bool,
    bottom: Tensor, isNamed: Bool, scratchpad: Scratchpad
  ) throws {
    guard method != .stochastic else { throw EngineRefusal("it has no stochastic pooling") }
    var order = bottom.layout as? OneDNNMemoryLayout
    if order == nil && isNamed { order = try .channelsLast(bottom.shape.dimensions) }
    guard let order else {
      throw EngineRefusal("the bottom is in plain order, where its pooling is slow")
    }
    pooling = try OneDNNPooling(
      geometry, method: method == .max ? .maximum : .average, training: isTrained, input: order,
      scratchpad: scratchpad)
  }

  var implementation: String { pooling.implementation }

  /// The order the output will have.
  var outputOrder: any PackedLayout { pooling.outputLayout }

  func forward(_ input: Tensor, pass: UInt64, into output: Tensor, mask: Tensor?) {
    pooling.forward(
      input.read(as: pooling.inputLayout), into: output.overwrite(as: pooling.outputLayout))
  }

  func backward(_ outputGradient: Tensor, into inputGradient: Tensor) {
    pooling.backward(
      outputGradient.read(as: pooling.outputLayout),
      into: inputGradient.overwrite(as: pooling.inputLayout))
  }
}
