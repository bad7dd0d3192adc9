import CaffeCore
import CaffeErrors
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
  /// What OpenBLAS reaches on square matrices here and now.
  package let peakGflops: Double
  /// Means over the iterations.
  package let forwardMs: Double
  package let backwardMs: Double
  package let layers: [Layer]

  /// - Parameter timing: of this net; both passes are run once more, to count conversions.
  package init(_ net: Net, _ timing: LayerTiming) throws {
    self.net = net.name
    iterations = timing.passes.milliseconds.count
    let peak = MachinePeak.gigaflopsPerSecond()
    peakGflops = peak
    forwardMs = timing.forward.map(\.mean).reduce(0, +)
    backwardMs = timing.backward.map(\.mean).reduce(0, +)
    let conversions = try Self.conversions(of: net)
    layers = try net.layers.indices.map { index in
      try Layer(
        net.layers[index], forward: timing.forward[index].mean,
        backward: timing.backward[index].mean, peak: peak, conversions: conversions[index])
    }
  }

  private static func conversions(of net: Net) throws -> [Int] {
    var counts = net.layers.map { _ in 0 }
    func count(_ index: Int, _ pass: () throws -> Void) rethrows {
      let before = net.layers[index].conversions
      try pass()
      counts[index] += net.layers[index].conversions - before
    }
    for index in net.layers.indices {
      try count(index) { try net.forward(layer: index) }
    }
    for index in net.layers.indices.reversed() {
      try count(index) { try net.backward(layer: index) }
    }
    return counts
  }
}

extension NetProfile.Layer {
  fileprivate init(
    _ layer: Layer, forward: Double, backward: Double, peak: Double, conversions: Int
  ) throws {
    name = layer.name
    type = layer.type
    engine = layer.engine.engine.rawValue
    implementation = layer.engine.implementation
    fusedInto = layer.fusedInto
    declined = layer.engine.refusals
    layout = layer.top.first?.data.orderName ?? "plain"
    forwardMs = forward
    backwardMs = backward
    let operations = 2 * Double(try layer.multiplyAdds(for: layer.bottom.map(\.shape)))
    gflops = forward > 0 ? operations / forward / 1e6 : 0
    shareOfPeak = gflops / peak
    let values = (layer.bottom + layer.top + layer.parameters).reduce(0) { $0 + $1.count }
    megabytes = Double(values * MemoryLayout<Float>.stride) / 1e6
    gigabytesPerSecond = forward >= 0.005 ? megabytes / forward : 0
    self.conversions = conversions
  }
}

extension Layer {
  /// How often its blobs were moved between plain and packed order so far.
  fileprivate var conversions: Int {
    (bottom + top).reduce(0) { $0 + $1.data.conversions + $1.diff.conversions }
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
      "peak: \(Text.number(rounded(peakGflops))) GFLOP/s, of a product of square matrices",
    ]
  }
}

extension NetProfile.Layer {
  fileprivate var isWorthALine: Bool {
    forwardMs + backwardMs >= 0.005 || conversions > 0 || fusedInto != nil
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

/// With two decimals.
private func rounded(_ value: Double) -> Double { (100 * value).rounded() / 100 }
