import CaffeErrors
import CaffeKernels
import CaffeSchema

/// Gives a learnable blob its first values.
///
/// | type | values |
/// | --- | --- |
/// | `constant` | `value` |
/// | `uniform` | uniform in [`min`, `max`] |
/// | `gaussian` | normal with `mean`, `std`; with `sparse` ≥ 0 each is kept with probability `sparse / shape[0]` |
/// | `positive_unitball` | uniform in [0, 1], each row divided by its sum |
/// | `xavier` | uniform in ±√(3/n) (Glorot & Bengio 2010) |
/// | `msra` | normal with standard deviation √(2/n) (He et al. 2015) |
/// | `bilinear` | the bilinear interpolation kernel, for upsampling by deconvolution |
///
/// `n` is `count / shape[0]` (`FAN_IN`), `count / shape[1]` (`FAN_OUT`) or their mean (`AVERAGE`).
/// The values depend on seed and stream name alone, not on the number of threads.
///
/// Source: BVLC Caffe, `filler.hpp`.
public struct Filler {
  private enum Kind {
    case constant(Float)
    case uniform(Float, Float)
    case gaussian(mean: Float, deviation: Float, kept: Float?)
    case positiveUnitBall
    case bilinear(kernel: Int)
  }

  private let kind: Kind
  private let shape: Shape

  /// - Throws: an unknown type, `sparse` where it has no meaning, a shape the filler cannot fill.
  public init(_ parameter: FillerParameter, shape: Shape) throws {
    self.shape = shape
    guard shape.count > 0 else { throw CaffeError("a learnable blob cannot be empty: \(shape)") }
    guard parameter.sparse < 0 || parameter.type == "gaussian" else {
      throw CaffeError("Sparsity not supported by the \(parameter.type) filler.")
    }
    switch parameter.type {
    case "constant": kind = .constant(parameter.value)
    case "uniform":
      guard parameter.min <= parameter.max else {
        throw CaffeError(
          "min must be at most max (\(Text.number(parameter.max))), got \(Text.number(parameter.min))"
        )
      }
      kind = .uniform(parameter.min, parameter.max)
    case "gaussian": kind = try Filler.gaussian(parameter, shape)
    case "positive_unitball":
      guard shape.axes >= 1 else { throw CaffeError("positive_unitball needs at least one axis") }
      kind = .positiveUnitBall
    case "xavier":
      let scale = (3 / Filler.fan(parameter, shape)).squareRoot()
      kind = .uniform(-scale, scale)
    case "msra":
      kind = .gaussian(
        mean: 0, deviation: (2 / Filler.fan(parameter, shape)).squareRoot(), kept: nil)
    case "bilinear": kind = try Filler.bilinear(shape)
    default:
      let names = [
        "bilinear", "constant", "gaussian", "msra", "positive_unitball", "uniform", "xavier",
      ]
      let hint =
        NearestName.of(parameter.type, among: names).map { "; did you mean \"\($0)\"?" }
        ?? " (known: \(names.joined(separator: ", ")))"
      throw CaffeError("Unknown filler name: \(parameter.type)\(hint)")
    }
  }

  public func fill(_ tensor: Tensor, seed: UInt64, stream name: String, pass: UInt64 = 0) {
    precondition(tensor.shape == shape, "a filler for \(shape) cannot fill \(tensor.shape)")
    let random = RandomStream(seed: seed, name: name)
    let (values, count) = (tensor.overwrite(), tensor.count)
    switch kind {
    case .constant(let value):
      values.update(repeating: value, count: count)
    case .uniform(let low, let high):
      random.uniform(into: values, count: count, from: low, to: high, pass: pass)
    case .gaussian(let mean, let deviation, let kept):
      random.gaussian(
        into: values, count: count, mean: mean, deviation: deviation, pass: pass)
      if let kept { drop(values, keeping: kept, seed: seed, name: name, pass: pass) }
    case .positiveUnitBall:
      random.uniform(into: values, count: count, from: 0, to: 1, pass: pass)
      normaliseRows(values)
    case .bilinear(let kernel):
      fillBilinear(values, kernel: kernel)
    }
  }

  /// The `n` of `xavier` and `msra`.
  private static func fan(_ parameter: FillerParameter, _ shape: Shape) -> Float {
    let fanIn = Float(shape.count) / Float(shape.axes > 0 ? shape[0] : 1)
    let fanOut = Float(shape.count) / Float(shape.axes > 1 ? shape[1] : 1)
    return switch parameter.varianceNorm {
    case .fanIn: fanIn
    case .fanOut: fanOut
    case .average: (fanIn + fanOut) / 2
    }
  }

  private static func gaussian(_ parameter: FillerParameter, _ shape: Shape) throws -> Kind {
    guard parameter.std > 0 else {
      throw CaffeError("std must be positive, got \(Text.number(parameter.std))")
    }
    guard parameter.sparse >= -1 else {
      throw CaffeError("sparse must be at least -1, got \(parameter.sparse)")
    }
    guard parameter.sparse >= 0 else {
      return .gaussian(mean: parameter.mean, deviation: parameter.std, kept: nil)
    }
    guard shape.axes >= 1, parameter.sparse <= shape[0] else {
      throw CaffeError(
        "sparse must be at most the blob's first dimension, got \(parameter.sparse) for \(shape)")
    }
    return .gaussian(
      mean: parameter.mean, deviation: parameter.std,
      kept: Float(parameter.sparse) / Float(shape[0]))
  }

  private static func bilinear(_ shape: Shape) throws -> Kind {
    guard shape.axes == 4 else {
      throw CaffeError("the bilinear filler needs a blob with 4 axes, got \(shape)")
    }
    guard shape[2] == shape[3] else {
      throw CaffeError("the bilinear filler needs a square kernel, got \(shape[2])x\(shape[3])")
    }
    return .bilinear(kernel: shape[3])
  }

  private func drop(
    _ values: UnsafeMutablePointer<Float>, keeping kept: Float, seed: UInt64, name: String,
    pass: UInt64
  ) {
    let chances = Tensor(shape)
    RandomStream(seed: seed, name: name + "/sparse")
      .uniform(into: chances.overwrite(), count: shape.count, from: 0, to: 1, pass: pass)
    let chance = chances.read()
    for index in 0..<shape.count where chance[index] >= kept { values[index] = 0 }
  }

  private func normaliseRows(_ values: UnsafeMutablePointer<Float>) {
    let length = shape.count(from: 1)
    for row in 0..<shape[0] {
      let start = values + row * length
      var sum: Float = 0
      for index in 0..<length { sum += start[index] }
      for index in 0..<length { start[index] /= sum }
    }
  }

  private func fillBilinear(_ values: UnsafeMutablePointer<Float>, kernel: Int) {
    let half = (Float(kernel) / 2).rounded(.up)
    let centre = Float(kernel - 1) / (2 * half)
    for index in 0..<shape.count {
      let column = Float(index % kernel)
      let row = Float(index / kernel % kernel)
      values[index] = (1 - abs(column / half - centre)) * (1 - abs(row / half - centre))
    }
  }
}
