import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeNet
import CaffeSolver

/// Where the time of a net's passes goes: each layer's code, order, speed and conversions.
package struct NetProfile: Encodable {
  package struct Layer: Encodable {
    package let name: String
    package let type: String
    package let engine: String
    /// The library's name of the code that runs the forward pass, if it says.
    package let implementation: String?
    /// The layer that runs passes of this one, and which.
    package let fusedInto: String?
    /// Why engines declined.
    package let declined: [String]
    /// The order of the first top's values: `plain`, `channels last`, `blocked by 16 channels`.
    package let layout: String
    package let forwardMs: Double
    package let backwardMs: Double
    /// Of the forward pass's products with learned weights, counted as by the definition: Winograd
    /// makes fewer, and may exceed the machine's peak.
    package let gflops: Double
    package let shareOfPeak: Double
    /// What the forward pass reads and writes once: bottoms, tops, weights.
    package let megabytes: Double
    /// 0 for a pass that another layer runs or that only hands memory on.
    package let gigabytesPerSecond: Double
    /// Blobs moved between plain and packed order, in both passes.
    package let conversions: Int
  }

  package let net: String
  package let iterations: Int
  /// In which the net multiplies.
  package let precision: String
  /// What OpenBLAS or oneDNN reaches on square matrices, in the net's precision, here and now.
  package let peakGflops: Double
  /// Means over the iterations.
  package let forwardMs: Double
  package let backwardMs: Double
  package let layers: [Layer]

  /// - Parameters:
  ///   - timing: of this net; both passes are run once more, to count conversions and to see the orders
  ///     of blobs whose memory others use later.
  ///   - precision: in which the net multiplies.
  package init(_ net: Net, _ timing: LayerTiming, precision: Precision = .float32) throws {
    self.net = net.name
    iterations = timing.passes.milliseconds.count
    self.precision = precision.rawValue
    let peak = MachinePeak.gigaflopsPerSecond(precision)
    peakGflops = peak
    forwardMs = timing.forward.map(\.mean).reduce(0, +)
    backwardMs = timing.backward.map(\.mean).reduce(0, +)
    let movements = try Self.movements(in: net)
    layers = try net.layers.indices.map { index in
      try Layer(
        net.layers[index], forward: timing.forward[index].mean,
        backward: timing.backward[index].mean, peak: peak, movement: movements[index])
    }
  }

  /// How the values of a layer lie after its forward pass, and how often they were moved between orders.
  fileprivate struct Movement {
    var order = "plain"
    var conversions = 0
    /// Of bottoms, tops and parameters.
    var bytes = 0
  }

  private static func movements(in net: Net) throws -> [Movement] {
    var movements = net.layers.map { _ in Movement() }
    func count(_ index: Int, _ pass: () throws -> Void) rethrows {
      let before = net.layers[index].conversions
      try pass()
      movements[index].conversions += net.layers[index].conversions - before
    }
    for (index, layer) in net.layers.enumerated() {
      let read = (layer.bottom + layer.parameters).map(\.data.visibleBytes)
      try count(index) { try net.forward(layer: index) }
      movements[index].bytes = (read + layer.top.map(\.data.visibleBytes)).reduce(0, +)
      if let top = layer.top.first { movements[index].order = top.data.orderName }
    }
    for index in net.layers.indices.reversed() {
      try count(index) { try net.backward(layer: index) }
    }
    return movements
  }
}

extension NetProfile.Layer {
  fileprivate init(
    _ layer: Layer, forward: Double, backward: Double, peak: Double, movement: NetProfile.Movement
  ) throws {
    name = layer.name
    type = layer.type
    engine = layer.engine.engine.rawValue
    implementation = layer.engine.implementation
    fusedInto = layer.fusedInto
    declined = layer.engine.refusals
    layout = movement.order
    forwardMs = forward
    backwardMs = backward
    let operations = 2 * Double(try layer.multiplyAdds(for: layer.bottom.map(\.shape)))
    gflops = forward > 0 ? operations / forward / 1e6 : 0
    shareOfPeak = gflops / peak
    megabytes = Double(movement.bytes) / 1e6
    gigabytesPerSecond = forward >= leastMilliseconds ? megabytes / forward : 0
    conversions = movement.conversions
  }
}

extension Tensor {
  /// Without what fills up an order.
  fileprivate var visibleBytes: Int {
    count * (isRounded ? MemoryLayout<UInt16>.stride : MemoryLayout<Float>.stride)
  }
}

extension Layer {
  /// How often its blobs were moved between plain and packed order so far; what a layer in place or a
  /// Split shares counts once.
  fileprivate var conversions: Int {
    var counted: Set<ObjectIdentifier> = []
    return (bottom + top).flatMap { [$0.data, $0.diff] }
      .filter { counted.insert(ObjectIdentifier($0.storage)).inserted }
      .reduce(0) { $0 + $1.conversions }
  }
}

extension NetProfile {
  /// The table of `caffe-swift time --model … --table`; layers that take next to no time are left out.
  package var lines: [String] {
    var table = Table([
      ("layer", .left), ("type", .left), ("code", .left), ("order", .left), ("forward ms", .right),
      ("backward ms", .right), ("GFLOP/s", .right), ("of peak", .right), ("MB", .right),
      ("GB/s", .right), ("conversions", .right),
    ])
    for layer in layers where layer.isWorthALine { table.add(layer.cells) }
    let total = layers.reduce(0) { $0 + $1.conversions }
    return ["net '\(net)', means of \(iterations) iterations", ""] + table.lines + [
      "",
      "forward \(Text.number(rounded(forwardMs))) ms, backward \(Text.number(rounded(backwardMs))) ms, conversions \(total)",
      "peak: \(Text.number(rounded(peakGflops))) GFLOP/s, of a product of square matrices"
        + (precision == Precision.bfloat16.rawValue ? " of bfloat16" : ""),
    ]
  }
}

extension NetProfile.Layer {
  fileprivate var isWorthALine: Bool {
    forwardMs + backwardMs >= leastMilliseconds || conversions > 0 || fusedInto != nil
  }

  fileprivate var cells: [String] {
    let code = fusedInto.map { "in \($0)" } ?? implementation.map { "\(engine) \($0)" } ?? engine
    let figures =
      gflops > 0
      ? [Text.number(rounded(gflops)), "\(Int((100 * shareOfPeak).rounded())) %"] : ["", ""]
    return [
      name, type, code, layout, Text.number(rounded(forwardMs)), Text.number(rounded(backwardMs)),
    ]
      + figures + [
        Text.number(rounded(megabytes)),
        gigabytesPerSecond > 0 ? Text.number(rounded(gigabytesPerSecond)) : "",
        conversions > 0 ? "\(conversions)" : "",
      ]
  }
}

/// A pass below has only handed memory on.
private let leastMilliseconds = 0.01

/// With two decimals.
private func rounded(_ value: Double) -> Double { (100 * value).rounded() / 100 }
