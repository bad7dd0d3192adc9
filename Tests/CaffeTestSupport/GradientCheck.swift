import CaffeCore
import CaffeErrors
import CaffeLayers
import CaffeNet
import CaffeSchema

/// Compares a net's gradients with finite differences of its objective.
public struct GradientReport: CustomStringConvertible {
  /// How many derivatives were compared.
  public private(set) var compared = 0
  /// The largest difference between the two, relative to the larger of them and 1.
  public private(set) var worst = 0.0
  private var whereWorst = ""

  public var description: String { "worst \(worst) of \(compared) at \(whereWorst)" }

  mutating func note(_ analytic: Double, _ numeric: Double, _ place: @autoclosure () -> String) {
    compared += 1
    let error = abs(analytic - numeric) / max(abs(analytic), abs(numeric), 1)
    if !(error <= worst) {
      worst = error.isNaN ? .infinity : error
      whereWorst = "\(place()): backward \(analytic), differences \(numeric)"
    }
  }
}

/// Checks all gradients of a small net written as text whose inputs are `Input` layers.
///
/// The objective is the sum over the net's outputs of values times fixed random weights (or the
/// net's own losses, where it has any), so every element of every top takes part.
///
/// - Parameters:
///   - inputs: values for the input blobs; those whose names are in `fixed` get no gradient.
///   - step: the change of a value in the finite difference.
public func checkGradients(
  _ text: String, inputs: [String: [Float]], fixed: Set<String> = [], phase: Phase = .train,
  engine: Engine? = nil, step: Float = 1e-2, seed: UInt64 = 1
) throws -> GradientReport {
  var description = try NetParameter(text: "force_backward: true " + text, file: "test.prototxt")
  description.state.phase = phase
  let net = try Net(description, context: LayerContext(phase: phase, engine: engine, seed: seed))
  for (name, values) in inputs {
    guard let blob = net.blob(name) else { throw CaffeError("no input \(name)") }
    blob.data.values = values
  }
  let probe = Probe(net, seed: seed)
  net.clearGradients()
  _ = try probe.objective()
  probe.seedGradients()
  try net.backward()
  var report = GradientReport()
  let tensors =
    net.inputs.filter { !fixed.contains($0) }.compactMap { net.blob($0) }
    + net.parameters.filter { $0.learningRateMultiplier != 0 }.map(\.blob)
  for blob in tensors {
    let analytic = blob.diff.values
    for index in 0..<blob.count {
      let numeric = try probe.derivative(of: blob.data, at: index, step: step)
      report.note(Double(analytic[index]), numeric, "\(blob.name)[\(index)]")
    }
  }
  return report
}

/// The scalar that a gradient check differentiates.
private struct Probe {
  let net: Net
  let weights: [[Float]]

  init(_ net: Net, seed: UInt64) {
    self.net = net
    var generator = TestRandom(seed: seed &+ 77)
    weights = net.outputs.map { output in
      output.blob.data.values.map { _ in
        output.lossWeight != 0 ? output.lossWeight : generator.uniform(-1, 1)
      }
    }
  }

  func objective() throws -> Double {
    net.clock.pass = 0
    try net.forward()
    var sum = 0.0
    for (output, weights) in zip(net.outputs, weights) {
      for (value, weight) in zip(output.blob.data.values, weights) {
        sum += Double(value) * Double(weight)
      }
    }
    return sum
  }

  func seedGradients() {
    for (output, weights) in zip(net.outputs, weights) { output.blob.diff.values = weights }
  }

  func derivative(of tensor: Tensor, at index: Int, step: Float) throws -> Double {
    let values = tensor.values
    func objective(moved by: Float) throws -> Double {
      var moved = values
      moved[index] += by
      tensor.values = moved
      return try self.objective()
    }
    let difference = try objective(moved: step) - objective(moved: -step)
    tensor.values = values
    return difference / (2 * Double(step))
  }
}

/// Small seeded random numbers for tests (SplitMix64).
public struct TestRandom: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  public mutating func uniform(_ low: Float, _ high: Float) -> Float {
    Float.random(in: low...high, using: &self)
  }

  public mutating func values(_ count: Int, _ low: Float = -1, _ high: Float = 1) -> [Float] {
    (0..<count).map { _ in uniform(low, high) }
  }

  /// Values at least `2 / count` apart in random order: no ties and no kinks within a small step.
  public mutating func spaced(_ count: Int, _ low: Float = -1, _ high: Float = 1) -> [Float] {
    (0..<count).map { low + (high - low) * (Float($0) + 0.5) / Float(count) }.shuffled(using: &self)
  }
}
