import CaffeCore
import CaffeErrors
import CaffeKernels
import CaffeNet

/// Compares a net's gradients with finite differences of its objective.
public struct GradientReport: CustomStringConvertible {
  /// How many derivatives were compared.
  public private(set) var compared = 0
  /// The largest difference between the two, relative to the larger of them and 1.
  public private(set) var worst = 0.0
  /// Where it is, and both values.
  public private(set) var whereWorst = ""

  public var description: String { "worst \(worst) of \(compared) at \(whereWorst)" }

  static func error(_ analytic: Double, _ numeric: Double) -> Double {
    abs(analytic - numeric) / max(abs(analytic), abs(numeric), 1)
  }

  mutating func note(_ analytic: Double, _ numeric: Double, _ place: @autoclosure () -> String) {
    compared += 1
    let error = Self.error(analytic, numeric)
    if !(error <= worst) {
      worst = error.isNaN ? .infinity : error
      whereWorst = "\(place()): backward \(analytic), differences \(numeric)"
    }
  }
}

/// Checks the gradients of a small net whose inputs are `Input` layers and have their values.
///
/// The objective is the sum over the net's outputs of values times fixed random weights (or the
/// net's own losses, where it has any), so every element of every top takes part.
public struct GradientCheck {
  /// Inputs that get no gradient.
  public var fixed: Set<String> = []
  /// The changes of a value in the finite difference, tried in turn until one agrees: a smaller one
  /// steps over no kink that is near.
  public var steps: [Float] = [1e-2]
  /// How many elements of each input and parameter are compared, chosen at random; all if nil.
  public var samples: Int?
  public var seed: UInt64 = 1
  /// The error from which on smaller steps are tried.
  public var tolerance = 1e-2

  public init() {}

  /// - Parameter net: made with `force_backward`.
  public func report(on net: Net) throws -> GradientReport {
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
      for index in chosen(of: blob) {
        let backward = Double(analytic[index])
        let numeric = try best(backward) { step in
          try probe.derivative(of: blob.data, at: index, step: step)
        }
        report.note(backward, numeric, "\(blob.name)[\(index)]")
      }
    }
    return report
  }

  private func chosen(of blob: Blob) -> [Int] {
    guard let samples, samples < blob.count else { return Array(0..<blob.count) }
    let stream = RandomStream(seed: seed, name: "gradient check/\(blob.name)")
    return (0..<samples).map { stream.integer(below: blob.count, pass: 0, index: $0) }
  }

  /// The derivative of the first step that agrees, or of the one that comes nearest.
  private func best(_ backward: Double, _ derivative: (Float) throws -> Double) throws -> Double {
    var best = Double.nan
    for step in steps {
      let numeric = try derivative(step)
      let error = GradientReport.error(backward, numeric)
      if best.isNaN || error < GradientReport.error(backward, best) { best = numeric }
      if error <= tolerance { break }
    }
    return best
  }
}

/// The scalar that a gradient check differentiates.
private struct Probe {
  let net: Net
  let weights: [[Float]]

  init(_ net: Net, seed: UInt64) {
    self.net = net
    weights = net.outputs.map { output in
      let count = output.blob.count
      guard output.lossWeight == 0 else { return Array(repeating: output.lossWeight, count: count) }
      return RandomStream(seed: seed, name: "objective/\(output.blob.name)").values(count, -1, 1)
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

extension RandomStream {
  /// The first `count` values of pass 0, uniform between low and high.
  func values(_ count: Int, _ low: Float, _ high: Float) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, written in
      if let start = buffer.baseAddress {
        uniform(into: start, count: count, from: low, to: high, pass: 0)
      }
      written = count
    }
  }
}
