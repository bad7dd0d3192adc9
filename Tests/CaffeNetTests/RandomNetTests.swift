import CaffeCore
import CaffeKernels
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Foundation
import Testing

/// Nets put together at random give, where nobody can look at blobs, what their layers give one by one on
/// the engine CAFFE.
struct RandomNetTests {
  /// `CAFFE_SWIFT_NETS` tries as many others, for longer.
  static let seeds: Range<UInt64> = {
    let more = ProcessInfo.processInfo.environment["CAFFE_SWIFT_NETS"].flatMap { UInt64($0) }
    return more.map { 1000..<1000 + $0 } ?? 0..<40
  }()

  private typealias Result = (name: String, values: [Float])

  /// The outputs, and in training the gradients.
  ///
  /// - Parameter shake: the input is changed in its last bits, more with a larger number.
  private func run(_ net: Net, items: Int, shake: Int = 0) throws -> [Result] {
    let blob = try #require(net.blob("x"))
    blob.reshape(try Shape([items] + blob.shape.dimensions.dropFirst()))
    var (random, noise) = (TestRandom(seed: 4), TestRandom(seed: UInt64(shake)))
    let most = 5e-7 * Float(shake)
    blob.data.values = random.spaced(blob.count).map { $0 * (1 + most * noise.uniform(-1, 1)) }
    net.clearGradients()
    try net.forward()
    if net.phase == .train { try net.backward() }
    return net.outputs.map { ($0.blob.name, $0.blob.data.values) }
      + (net.phase == .train
        ? net.parameters.map { ("gradient of \($0.layer)", $0.blob.diff.values) } : [])
  }

  /// Those that a BatchNorm has before it is trained would enlarge every rounding error by hundreds.
  private func setStatistics(_ net: Net) throws {
    for layer in net.layers where layer.type == "BatchNorm" {
      var random = TestRandom(seed: 5)
      layer.parameters[0].data.values = random.values(layer.parameters[0].count, -0.5, 0.5)
      layer.parameters[1].data.values = random.values(layer.parameters[1].count, 0.5, 2)
      layer.parameters[2].data.values = [1]
    }
  }

  /// How far apart the values of each name are, as a share of the largest.
  private func differences(_ a: [Result], _ b: [Result]) -> [Float] {
    zip(a, b).map { a, b in
      guard a.values.count == b.values.count else { return .infinity }
      let scale = b.values.reduce(1e-3) { max($0, abs($1)) }
      return zip(a.values, b.values).reduce(0) { max($0, abs($1.0 - $1.1) / scale) }
    }
  }

  /// Where a change of the input by a rounding error makes a difference, rounding may: a value beside the
  /// kink of a ReLU, two maxima that are almost equal.
  @Test(arguments: seeds, [Phase.train, .test])
  func fusedNetsComputeWhatTheirLayersDo(seed: UInt64, phase: Phase) throws {
    let random = RandomNet(seed: seed)
    var description = try TestNet.parse(random.text)
    description.state.phase = phase
    let choices = seed % 2 == 0 ? FixedChoice.tiles : nil
    var context = LayerContext(phase: phase, choices: choices, reusesMemory: true, seed: seed)
    // So that batches go through in parts.
    context.mostBlobBytes = 2 * 48 * 72 * MemoryLayout<Float>.size
    let fused = try Net(description, context: context)
    let separate = try Net(
      description,
      context: LayerContext(phase: phase, engine: .caffe, fusesLayers: false, seed: seed))
    for net in [fused, separate] { try setStatistics(net) }
    for items in [random.items, random.items, random.items + 1] {
      let (found, expected) = (try run(fused, items: items), try run(separate, items: items))
      #expect(found.map(\.name) == expected.map(\.name))
      let off = differences(found, expected)
      var allowed: Float = 3e-4
      for shake in [1, 2, 4, 8, 16, 32, 64, 65, 66, 128, 129, 130, 131, 132]
      where off.contains(where: { $0 > allowed }) {
        separate.clock.pass -= 1
        let shaken = differences(try run(separate, items: items, shake: shake), expected)
        allowed = max(allowed, 5 * (shaken.max() ?? 0))
      }
      let wrong = zip(expected, off).filter { $1 > allowed }.map(\.0.name)
      #expect(wrong == [], "\(items) items, \(off.max() ?? 0) > \(allowed)\n\(random.text)")
    }
  }

  /// In bfloat16 rounding errors are some 4000 times as large: most of a value is right, and nothing is read
  /// in another precision or order than it was written in.
  @Test(
    .enabled(if: Precision.isBFloat16Native, "the processor has no bfloat16"), arguments: seeds,
    [Phase.train, .test])
  func roundingNetsComputeNearlyTheSame(seed: UInt64, phase: Phase) throws {
    let random = RandomNet(seed: seed)
    var description = try TestNet.parse(random.text)
    description.state.phase = phase
    let nets = try [true, false].map { isFused in
      var context = LayerContext(
        phase: phase, precision: .bfloat16, fusesLayers: isFused, reusesMemory: isFused, seed: seed)
      context.mostBlobBytes = 2 * 48 * 72 * MemoryLayout<Float>.size
      return try Net(description, context: context)
    }
    for net in nets { try setStatistics(net) }
    func length(_ values: [Float]) -> Float {
      (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
    }
    for items in [random.items, random.items + 1] {
      let (found, expected) = (try run(nets[0], items: items), try run(nets[1], items: items))
      // What a BatchNorm behind makes next to nothing is noise.
      let least = 0.02 * (expected.map { length($0.values) }.max() ?? 0)
      let off = zip(found, expected).map { found, expected in
        length(zip(found.values, expected.values).map { $0 - $1 })
          / max(least, length(expected.values))
      }
      let worst = off.max() ?? 0
      #expect(worst < 0.5, "\(items) items\n\(random.text)")
    }
  }
}
