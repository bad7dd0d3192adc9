import CaffeCore
import CaffeErrors
import CaffeInspect
import CaffeLayers
import CaffeNet
import CaffeSchema

public typealias GradientReport = CaffeInspect.GradientReport

/// Checks all gradients of a small net written as text whose inputs are `Input` layers.
///
/// `GradientCheck` says how.
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
  var check = GradientCheck()
  check.fixed = fixed
  check.steps = [step]
  check.seed = seed
  return try check.report(on: net)
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
